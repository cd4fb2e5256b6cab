"""What the web server runs: `granian --interface wsgi headend.config.wsgi:application`."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from headend.config.environment import BadSetting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headend.config.settings")

try:
    application = get_wsgi_application()
except BadSetting as error:
    raise SystemExit(f"Error: {error}") from None  # the server tells it and ends

# What is loaded by now stays for good: looking through it again and again would cost each sale.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
