"""The dashboard behind a sign-in, as Streamlit serves it: the same script, with the provider's settings in memory."""

from pathlib import Path

from streamlit.starlette import App

from gtm_platform.serving.sign_in import secrets_of
from gtm_platform.settings import settings

app = App(Path(__file__).with_name("app.py"), secrets=secrets_of(settings()))
