"""The tariff pages: versions in force, drafts, and the editor with its example purchases."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config import opaque
from headend.config.errors import Refusal
from headend.tariffs import document, editor, purchases, services, words
from headend.tariffs.errors import InvalidTariff
from headend.tariffs.examples import EXAMPLES
from headend.tariffs.forms import CircumstancesForm, DraftForm, FileForm, SubmitForm
from headend.tariffs.models import TariffDraft, TariffVersion
from headend.tariffs.queries import refusal_of, waiting_drafts, with_ends
from headend.tariffs.rules import TariffRules

_LARGEST_FILE = 200_000
_OF_A_FILE = ("code", "name", "format", "minor_digits", "components", "rounding", "fee_recovery")
may_view = permission_required("tariffs.view_tariffversion", raise_exception=True)
may_view_drafts = permission_required("tariffs.view_tariffdraft", raise_exception=True)
may_edit = permission_required("tariffs.publish_tariff", raise_exception=True)


@require_safe
@may_view_drafts
def tariffs(request: PageRequest) -> HttpResponse:
    """List versions, newest first within each tariff, and open drafts."""
    versions = with_ends(TariffVersion.objects.select_related("tariff"))
    open_states = (TariffDraft.State.DRAFT, TariffDraft.State.SUBMITTED)
    return render(
        request,
        "tariffs/list.html",
        {
            "versions": versions.order_by("tariff__name", "tariff_id", "-valid_from"),
            "drafts": TariffDraft.objects.filter(state__in=open_states)
            .select_related("made_by")
            .order_by("-changed_at"),
            "waiting": waiting_drafts(),
            "examples": [(key, title) for key, (title, _) in EXAMPLES.items()],
            "file_form": FileForm(),
            "now": timezone.now(),
        },
    )


@require_safe
@may_view
def version(request: PageRequest, version_id: int) -> HttpResponse:
    """Show one version: what it says in words, and what purchases it makes."""
    found = get_object_or_404(
        TariffVersion.objects.select_related("tariff", "made_by", "approved_by"), pk=version_id
    )
    context = _priced(document.read(found.rules), request)
    return render(request, "tariffs/version.html", {"version": found, **context})


@reads_or_posts
@may_edit
def new(request: PageRequest) -> HttpResponse:
    """Begin a draft: from an example, from a version, or from nothing; save it."""
    if request.method == "POST":
        return _edit(request, None)
    stated, initial = _beginning(request)
    return _editor(request, None, stated, DraftForm(initial=initial), CircumstancesForm())


@reads_or_posts
@may_view_drafts
def draft(request: PageRequest, draft_id: int) -> HttpResponse:
    """Show a draft; whoever may change it gets the editor while it is open."""
    found = get_object_or_404(TariffDraft.objects.select_related("made_by"), pk=draft_id)
    is_open = found.state == TariffDraft.State.DRAFT
    if not (is_open and request.user.has_perm(services.PUBLISH)):
        context = _priced(document.read(found.rules), request)
        context["refusal"] = refusal_of(found)
        return render(request, "tariffs/draft.html", {"draft": found, **context})
    if request.method == "POST":
        return _edit(request, found)
    first_day = timezone.localtime(found.valid_from).date() if found.valid_from else None
    initial = {"name": found.name, "code": found.code, "first_day": first_day}
    return _editor(
        request, found, _whole(found.rules), DraftForm(initial=initial), CircumstancesForm()
    )


@require_POST
@may_edit
def preview(request: PageRequest) -> HttpResponse:
    """The part of the editor that says what the tariff does; nothing is stored."""
    return render(request, "tariffs/preview.html", _preview(_stated(request), request))


@reads_or_posts
@may_edit
def submit(request: PageRequest, draft_id: int) -> HttpResponse:
    """Hand a draft in, after saying why."""
    found = get_object_or_404(TariffDraft, pk=draft_id)
    form = SubmitForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.submit_draft(
                found, by=request.user, at=timezone.now(), reason=form.cleaned_data["reason"]
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, "Handed in. It holds once a second person approves it.")
            return redirect("tariffs:draft", found.pk)
    context = {"draft": found, "form": form, "summary": words.summary(document.read(found.rules))}
    return render(request, "tariffs/submit.html", context, status=422 if form.errors else 200)


@require_POST
@may_edit
def act(request: PageRequest, draft_id: int, verb: str) -> HttpResponse:
    """Take a draft back to change it, or put it away."""
    found = get_object_or_404(TariffDraft, pk=draft_id)
    acts = {"reopen": services.reopen_draft, "discard": services.discard_draft}
    if verb not in acts:
        raise Http404
    try:
        acts[verb](found, by=request.user, at=timezone.now())
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
    return redirect("tariffs:list" if verb == "discard" else "tariffs:draft", *_where(verb, found))


@require_POST
@may_edit
def read_file(request: PageRequest) -> HttpResponse:
    """Make a draft of a tariff file."""
    form = FileForm(request.POST, request.FILES)
    try:
        if not form.is_valid() or form.cleaned_data["file"].size > _LARGEST_FILE:
            raise InvalidTariff("choose a tariff file of this product, at most 200 kB")
        stated = _json(form.cleaned_data["file"].read())
        made = services.save_draft(
            draft=None,
            code=str(stated.get("code", ""))[:40] or "imported",
            name=str(stated.get("name", ""))[:120] or "Imported tariff",
            valid_from=None,
            rules=document.read(stated),
            by=request.user,
            at=timezone.now(),
        )
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
        return redirect("tariffs:list")
    return redirect("tariffs:draft", made.pk)


@require_safe
@may_view
def version_file(request: PageRequest, version_id: int) -> HttpResponse:
    """A version as a file, to keep or to bring to another installation."""
    found = get_object_or_404(TariffVersion.objects.select_related("tariff"), pk=version_id)
    return _file(found.tariff.code, found.tariff.name, found.rules)


@require_safe
@may_view_drafts
def draft_file(request: PageRequest, draft_id: int) -> HttpResponse:
    """A draft as a file."""
    found = get_object_or_404(TariffDraft, pk=draft_id)
    return _file(found.code, found.name, found.rules)


def _edit(request: PageRequest, found: TariffDraft | None) -> HttpResponse:
    """Save the posted editor, or show it changed by one of its buttons."""
    stated = _stated(request)
    form, circumstances = DraftForm(request.POST), CircumstancesForm(request.POST)
    do = request.POST.get("do", "save")
    if do != "save":
        return _editor(request, found, editor.changed(stated, do), form, circumstances)
    if form.is_valid():
        try:
            saved = services.save_draft(
                draft=found,
                code=form.cleaned_data["code"],
                name=form.cleaned_data["name"],
                valid_from=form.valid_from(),
                rules=document.read(editor.filled(stated)),
                by=request.user,
                at=timezone.now(),
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, "Saved as a draft; nothing is sold at these prices yet.")
            return redirect("tariffs:draft", saved.pk)
    return _editor(request, found, stated, form, circumstances, status=422)


def _editor(
    request: PageRequest,
    found: TariffDraft | None,
    stated: editor.Document,
    form: DraftForm,
    circumstances: CircumstancesForm,
    status: int = 200,
) -> HttpResponse:
    context = {
        "draft": found,
        "form": form,
        "cards": editor.cards(stated),
        "policy": editor.policy(stated),
        "kinds": editor.KIND_TITLES.items(),
        **_preview(stated, request),
    }
    return render(request, "tariffs/editor.html", context, status=status)


def _preview(stated: editor.Document, request: PageRequest) -> dict[str, Any]:
    try:
        return _priced(document.read(editor.filled(stated)), request)
    except Refusal as error:
        return {"refused": str(error).split("; "), "circumstances": _typed(request)}


def _priced(rules: TariffRules, request: PageRequest) -> dict[str, Any]:
    """What a tariff says in words, and example purchases in the circumstances typed."""
    form = _typed(request)
    stated = form.circumstances()
    tenders = [major * 10**rules.minor_digits for major in purchases.TENDERS_MAJOR]
    return {
        "summary": words.summary(rules),
        "examples": purchases.examples(rules, stated, tenders),
        "prices": purchases.prices(rules, stated),
        "circumstances": form,
        "stated": stated,
    }


def _typed(request: PageRequest) -> CircumstancesForm:
    typed = request.POST if request.method == "POST" else request.GET
    usual = vars(purchases.Circumstances())
    return CircumstancesForm({name: typed.get(name) or usual[name] for name in usual})


def _stated(request: PageRequest) -> editor.Document:
    return editor.from_post(
        request.POST, request.POST.getlist, minor_digits=settings.BASE_CURRENCY_MINOR_DIGITS
    )


def _beginning(request: PageRequest) -> tuple[editor.Document, dict[str, Any]]:
    """What a new draft starts from."""
    base = opaque.asked("tariffs.tariffversion", request.GET.get("version"))
    if base is not None:
        found = get_object_or_404(TariffVersion.objects.select_related("tariff"), pk=base)
        return _whole(found.rules), {"name": found.tariff.name, "code": found.tariff.code}
    title, rules = EXAMPLES.get(request.GET.get("example", ""), EXAMPLES["flat"])
    return _whole(document.write(rules)), {"name": title}


def _whole(stated: editor.Document) -> editor.Document:
    return {"rounding": {}, "fee_recovery": {}} | stated


def _json(content: bytes) -> dict[str, Any]:
    try:
        stated = json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidTariff("the file is not JSON") from None
    if not isinstance(stated, dict):
        raise InvalidTariff("the file holds no tariff")
    for name in stated:
        if name not in _OF_A_FILE:
            raise InvalidTariff(
                f"the file says {name!r}, which is not known here; it may say "
                f"{', '.join(_OF_A_FILE)}"
            )
    return stated


def _file(code: str, name: str, rules: dict[str, Any]) -> HttpResponse:
    content = json.dumps({"code": code, "name": name, **rules}, indent=2, ensure_ascii=False)
    return HttpResponse(
        content + "\n",
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{code}.json"'},
    )


def _where(verb: str, found: TariffDraft) -> list[int]:
    return [] if verb == "discard" else [found.pk]
