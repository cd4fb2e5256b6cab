"""Who may do what."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal

from headend.accounts.services import console_user, create_user, require
from headend.config.errors import NotPermitted

pytestmark = pytest.mark.django_db

# permission -> groups that have it
SELLERS = {"cashier", "vendor manager", "vendor cashier", "integration"}
LOOKERS = {"approver", "auditor"}
TABLE = {
    "vending.vend": {"utility administrator", *SELLERS},
    "vending.reprint_receipt": {"utility administrator", *SELLERS},
    "vending.view_sale": {
        *("utility administrator", "engineer", "tariff clerk"),
        *(*SELLERS, *LOOKERS),
    },
    "fleet.send_token": {"utility administrator", "engineer", *SELLERS},
    "fleet.switch_payment_mode": {"utility administrator", "engineer"},
    "meters.provision_meter": {"utility administrator", "engineer", "installer"},
    "meters.add_meter": {"utility administrator", "engineer", "installer", "integration"},
    "customers.add_customer": {"utility administrator", "integration"},
    "tariffs.publish_tariff": {"utility administrator", "tariff clerk"},
    "securitymodule.load_keys": {"utility administrator"},
    "audit.search_audit": {"utility administrator", "auditor"},
    "ledger.view_entry": {"utility administrator", *LOOKERS},
    "accounts.manage_people": {"utility administrator"},
    "accounts.add_user": set(),
    "accounts.view_approval": {
        *("utility administrator", "engineer", "tariff clerk", "vendor manager"),
        *LOOKERS,
    },
    "ledger.change_line": set(),
    "audit.change_auditentry": set(),
}


@pytest.mark.parametrize("permission", TABLE)
def test_groups_have_their_permissions(permission):
    having = set()
    for group in Group.objects.all():
        user = create_user(username=group.name, password=None, groups=(group.name,))
        if user.has_perm(permission):
            having.add(group.name)
    assert having == TABLE[permission]


def test_refusal_names_user_and_permission():
    user = create_user(username="somebody", password=None)
    with pytest.raises(NotPermitted, match=r"somebody lacks the permission vending\.vend"):
        require(user, "vending.vend")


def test_inactive_users_may_nothing():
    user = create_user(username="c", password=None, groups=("cashier",))
    user.is_active = False
    with pytest.raises(NotPermitted):
        require(user, "vending.vend")


def test_console_is_one_user_nobody_can_log_in_as():
    user = console_user()
    assert console_user() == user
    assert not user.has_usable_password()


def migrate_again():
    """Send the signals of a migration that changed nothing."""
    emit_pre_migrate_signal(verbosity=0, interactive=False, db="default")
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")


def test_an_update_leaves_a_group_as_its_utility_has_set_it():
    group = Group.objects.get(name="cashier")
    taken = Permission.objects.get(codename="vend")
    group.permissions.remove(taken)
    migrate_again()
    assert taken not in group.permissions.all()


def test_an_update_gives_a_group_what_is_new_with_it():
    Permission.objects.filter(codename="vend").delete()
    migrate_again()
    assert Group.objects.get(name="cashier").permissions.filter(codename="vend").exists()
    assert not Group.objects.get(name="auditor").permissions.filter(codename="vend").exists()
