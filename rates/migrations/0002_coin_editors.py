"""The group "Coin editors": may edit coins and see the system page, nothing else."""

from django.db import migrations

NAME = "Coin editors"
ACTIONS = ("view", "add", "change", "delete")


def add_group(apps, schema_editor):
    """Make the group, and the permissions too: they are otherwise made only after all migrations."""
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="rates", model="coin"
    )
    permissions = [
        apps.get_model("auth", "Permission").objects.get_or_create(
            codename=f"{action}_coin", content_type=content_type, defaults={"name": f"Can {action} coin"}
        )[0]
        for action in ACTIONS
    ]
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=NAME)
    group.permissions.add(*permissions)


def remove_group(apps, schema_editor):
    """Take the group away."""
    apps.get_model("auth", "Group").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    """Adds the group; reversible."""

    dependencies = [
        ("rates", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(add_group, remove_group)]
