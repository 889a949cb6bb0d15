"""The recipe for Django: a view and a command, with a client in each process."""

from pathlib import Path

from hubbatch.simulator import Simulator
from tests.hosts.pages import Program, recipe
from tests.integrations.conftest import RedisServer, redis_server


__all__ = ["redis_server"]

SETTINGS = """
SECRET_KEY = "secret"
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db"}}
"""
URLS = """
from django.urls import path
from views import ticket

urlpatterns = [path("tickets/<ticket_id>", ticket)]
"""
MODELS = """
from django.db import models

class Customer(models.Model):
    email = models.EmailField()
    name = models.TextField()
"""
FILL = """
import django
django.setup()
from django.core.management import call_command
from shop.models import Customer

call_command("migrate", run_syncdb=True, verbosity=0)
Customer.objects.bulk_create(
    Customer(email=f"c{number}@example.com", name=f"No. {number}")
    for number in range(1_500)
)
"""
VISIT = """
import sys
import django
django.setup()
from django.test import Client

for ticket_id in sys.argv[1:]:
    response = Client().get(f"/tickets/{ticket_id}")
    print(response.status_code, response.json())
"""


def project(folder: Path, simulator: Simulator, redis: str) -> Program:
    program = Program(folder, simulator, redis)
    program.environment["DJANGO_SETTINGS_MODULE"] = "settings"
    command = "shop/management/commands/push_customers.py"
    for path, code in {
        "settings.py": SETTINGS,
        "urls.py": URLS,
        "crm.py": recipe("crm.py"),
        "views.py": recipe("views.py"),
        "shop/__init__.py": "",
        "shop/models.py": MODELS,
        "shop/management/__init__.py": "",
        "shop/management/commands/__init__.py": "",
        command: recipe("push_customers.py"),
        "fill.py": FILL,
        "visit.py": VISIT,
    }.items():
        program.put(path, code)
    return program


def test_a_view_reads_a_ticket(
    tmp_path: Path, hubspot_simulator: Simulator, redis_server: RedisServer
) -> None:
    ticket = hubspot_simulator.store.create("tickets", {"subject": "Hello"}).id
    program = project(tmp_path, hubspot_simulator, redis_server.url)
    status, printed, complaints = program.run("visit.py", ticket, "7")

    assert status == 0, complaints
    assert printed.splitlines() == [
        f"200 {{'id': '{ticket}', 'subject': 'Hello'}}",
        "404 {'detail': 'There is no such ticket.'}",
    ]


def test_a_command_streams_a_queryset(
    tmp_path: Path, hubspot_simulator: Simulator, redis_server: RedisServer
) -> None:
    program = project(tmp_path, hubspot_simulator, redis_server.url)
    assert program.run("fill.py") == (0, "", "")
    ran = program.run("-m", "django", "push_customers")

    assert ran == (0, "1500 of 1500 customers sent\n", "")
    assert hubspot_simulator.store.count("contacts") == 1_500
