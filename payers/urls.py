"""Addresses of payers: who covers whom, and on what terms."""

from django.urls import path

from payers.views import coverage

urlpatterns = [
    # Coverages and authorizations
    path("patients/<int:pk>/coverages/new/", coverage.coverage_create, name="coverage-create"),
    path("coverages/<int:pk>/", coverage.coverage_amend, name="coverage-amend"),
    path("courses/<int:pk>/authorizations/new/", coverage.authorization_create, name="authorization-create"),
    path("authorizations/<int:pk>/", coverage.authorization_amend, name="authorization-amend"),
]
