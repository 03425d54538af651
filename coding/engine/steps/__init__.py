"""The decisions behind a line, one a file, in this order.

claim_form, delivery_code, guidance_code, modifiers, units, place_of_service, diagnosis_pointers, national_rate.

Each takes facts, terms in force and codebook, and gives what it decided together with the steps that say why.
"""
