"""Every address of the portal, put together from the apps."""

urlpatterns: list = []
