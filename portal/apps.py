"""What happens once, when Django has loaded the portal."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        # The middleware reaches for models, which are there only now.
        from portal.middleware import begin_session

        user_logged_in.connect(begin_session)
