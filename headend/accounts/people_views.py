"""Pages where people and groups are created and changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import Group
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from headend.accounts import approvals, people, people_acts, trusted
from headend.accounts.catalogue import AREAS, Duty
from headend.accounts.models import Approval, User
from headend.accounts.programs import is_program, programs
from headend.accounts.requests import PageRequest, reads_or_posts
from headend.accounts.services import CONSOLE
from headend.config import opaque
from headend.config.errors import Refusal

_LONGEST_NUMBER = 18  # digits: what is longer overflows the databases' integers

may_manage = permission_required(trusted.MANAGE, raise_exception=True)


class PlainForm(forms.Form):
    """A form whose labels are words without a colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


class RowsField(forms.ModelMultipleChoiceField):
    """Several rows; a number that is too long for a database names none."""

    def clean(self, value: Any) -> Any:
        """Return the rows; numbers beyond any row's are refused before they are asked for."""
        for one in value if isinstance(value, list | tuple) else ():
            if len(str(one)) > _LONGEST_NUMBER:
                raise forms.ValidationError(
                    self.error_messages["invalid_pk_value"], params={"pk": "…"}
                )
        return super().clean(value)


class PersonForm(PlainForm):
    """Who somebody is and which groups they are in."""

    full_name = forms.CharField(label="Name", max_length=150, required=False)
    email = forms.EmailField(label="Email", required=False)
    groups = RowsField(
        label="Groups",
        queryset=Group.objects.order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    is_active = forms.BooleanField(
        label="May log in", required=False, help_text="Switched off, the person is out at once."
    )


class NewPersonForm(PersonForm):
    """The same, with what is set only once."""

    username = forms.CharField(
        label="User name", max_length=150, validators=[User.username_validator]
    )
    password = forms.CharField(
        label="First password",
        help_text="At least ten characters. It serves once: at log-in they choose their own.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("username", "full_name", "email", "password", "groups")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["is_active"]


class PasswordForm(PlainForm):
    """A new password for somebody who forgot theirs."""

    password = forms.CharField(
        label="New password", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class ResetForm(PlainForm):
    """Why somebody's second factors are taken away."""

    reason = forms.CharField(label="Reason", max_length=500, initial="lost")


class GroupForm(PlainForm):
    """What the members of a group may do."""

    name = forms.CharField(label="Name", max_length=150)
    needs_second_factor = forms.BooleanField(
        label="Members need a second factor",
        required=False,
        help_text="For every group with a box that is marked privileged.",
    )
    permissions = RowsField(queryset=people.permissions_to_give(), required=False)


class Box(NamedTuple):
    """One duty on the page of a group."""

    duty: Duty
    permission_id: int
    is_chosen: bool
    needs_second_person: bool


@require_safe
@may_manage
@never_cache
def listing(request: PageRequest) -> HttpResponse:
    """List people and groups."""
    rows = User.objects.exclude(username=CONSOLE).prefetch_related("groups")
    context = {
        "programs": set(programs()),
        "people": rows.annotate(factors=Count("second_factors")).order_by("username"),
        "groups": Group.objects.select_related("rule")
        .annotate(members=Count("user", filter=~Q(user__username=CONSOLE)))
        .order_by("name"),
    }
    return render(request, "accounts/people.html", context)


@reads_or_posts
@may_manage
@never_cache
def new_person(request: PageRequest) -> HttpResponse:
    """Create somebody."""
    form = NewPersonForm(request.POST if request.method == "POST" else None)

    def create() -> Approval | None:
        return people.create_person(**form.cleaned_data, by=request.user, at=timezone.now())

    if form.is_valid() and _done(request, form, create, "Created."):
        return redirect("people:list")
    context = {"form": form, "title": "New person", "button": "Create this person"}
    return _answer(request, "accounts/person_new.html", form, context)


@reads_or_posts
@may_manage
@never_cache
def person(request: PageRequest, user_id: int) -> HttpResponse:
    """Change somebody, set their password, or take a lost second factor away."""
    user = get_object_or_404(User.objects.exclude(username=CONSOLE), pk=user_id)
    asked = request.POST.get("do", "")
    typed = request.POST if request.method == "POST" else None
    initial = {
        "full_name": user.get_full_name(),
        "email": user.email,
        "groups": user.groups.all(),
        "is_active": user.is_active,
    }
    form = PersonForm(typed if asked == "change" else None, initial=initial)
    password = PasswordForm(typed if asked == "password" else None)
    reset = ResetForm(typed if asked == "reset" else None)
    by, now = request.user, timezone.now()
    acts: dict[str, tuple[forms.Form, Callable[[], Approval | None], str]] = {
        "change": (
            form,
            lambda: people.change_person(user, **form.cleaned_data, by=by, at=now),
            "Changed.",
        ),
        "password": (
            password,
            lambda: people.set_password(user, password.cleaned_data["password"], by=by, at=now),
            "The new password is set.",
        ),
        "reset": (
            reset,
            lambda: people.reset_second_factor(
                user, by=by, at=now, reason=reset.cleaned_data["reason"]
            ),
            "The second factors are taken away.",
        ),
    }
    if asked in acts:
        used, act, words = acts[asked]
        if used.is_valid() and _done(request, used, act, words):
            return redirect("people:person", user.pk)
    context = {
        "person": user,
        "is_program": is_program(user),
        "form": form,
        "password": password,
        "reset": reset,
        "factors": user.second_factors.order_by("created_at"),
        "is_trusted": trusted.person_is_trusted(user),
        "waiting": people_acts.requests_about(user=user),
    }
    return render(request, "accounts/person.html", context, status=422 if asked in acts else 200)


@reads_or_posts
@may_manage
@never_cache
def group(request: PageRequest, group_id: int | None = None) -> HttpResponse:
    """Create a group, perhaps after the pattern of another, or change one."""
    found = get_object_or_404(Group, pk=group_id) if group_id else None
    like = found or _group_to_begin_like(request)
    initial: dict[str, Any] = {"name": found.name if found else ""}
    chosen: set[int] = set()
    if like is not None:
        initial["needs_second_factor"] = people.needs_second_factor(like)
        chosen = set(like.permissions.values_list("pk", flat=True))
    form = GroupForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound:
        chosen = {_number(one) for one in request.POST.getlist("permissions")}

    def save() -> Approval | None:
        return people.save_group(found, **form.cleaned_data, by=request.user, at=timezone.now())

    if form.is_valid() and _done(request, form, save, "The group is saved."):
        return redirect("people:list")
    context = {
        "group": found,
        "form": form,
        "like": like,
        "areas": _by_area(chosen),
        "others": Group.objects.order_by("name"),
        "waiting": people_acts.requests_about(group=found),
        "members": (
            found.user_set.exclude(username=CONSOLE).order_by("username") if found else ()
        ),
    }
    return _answer(request, "accounts/group.html", form, context)


@require_POST
@may_manage
def remove_group(request: PageRequest, group_id: int) -> HttpResponse:
    """Delete a group that nobody is in."""
    found = get_object_or_404(Group, pk=group_id)
    try:
        people.delete_group(found, by=request.user, at=timezone.now())
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
        return redirect("people:group", group_id)
    return redirect("people:list")


def _group_to_begin_like(request: PageRequest) -> Group | None:
    number = opaque.asked("auth.group", request.GET.get("like"))
    return Group.objects.filter(pk=number or 0).first()


def _done(
    request: PageRequest, form: forms.Form, act: Callable[[], Approval | None], words: str
) -> bool:
    """Do it; tell whether it was done or asked for, or put the refusal into the form."""
    try:
        waiting = act()
    except Refusal as error:
        form.add_error(None, error.sentence)
        return False
    if waiting is None:
        messages.success(request, words, extra_tags="good")
    else:
        said = f"This waits for a second person, on the page Approvals: {waiting.summary}."
        if not {"groups", "permissions"}.isdisjoint(form.fields):
            said += " Whatever else was changed is done."
        messages.info(request, said, extra_tags="info")
    return True


def _answer(
    request: PageRequest, template: str, form: forms.Form, context: dict[str, Any]
) -> HttpResponse:
    return render(request, template, context, status=422 if form.is_bound else 200)


def _by_area(chosen: set[int]) -> list[tuple[str, list[Box]]]:
    """Return the boxes of all duties, area by area."""
    permissions = {
        f"{one.content_type.app_label}.{one.codename}": one.pk
        for one in people.permissions_to_give()
    }
    wait = {act.permission for act in approvals.acts()}
    return [
        (
            area.title,
            [
                Box(duty, permissions[duty.permission], permissions[duty.permission] in chosen,
                    duty.permission in wait)
                for duty in area.duties
            ],
        )
        for area in AREAS
    ]  # fmt: skip


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0
