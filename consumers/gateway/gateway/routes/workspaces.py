"""Workspaces, who pays for them, global secrets, and the menus of the runtimes."""

from __future__ import annotations

from typing import Annotated

import provider_registry as registry
from fastapi import Path, Query, Response

from gateway.refusals import Code, Refusal
from gateway.routes.access import Serving, admin_router
from gateway.routes.answers import administrators
from gateway.routes.shapes import (
    BillingShown,
    ModelShown,
    OverrideWanted,
    SecretWanted,
    VariableName,
    WorkspaceShown,
    WorkspaceWanted,
)
from gateway.tenancy.workspaces import Wanted, Workspace

UNREGISTERED_HEADER = "X-Molecule-Model-Unregistered"
Identity = Annotated[str, Path(max_length=100)]

router = admin_router()


@router.post(
    "/workspaces",
    status_code=201,
    tags=["workspaces"],
    responses=administrators(
        (422, Code.MODEL_REQUIRED),
        (422, Code.UNREGISTERED_MODEL_FOR_RUNTIME),
        (422, Code.MISSING_BYOK_CREDENTIAL),
    ),
)
async def create_workspace(
    wanted: WorkspaceWanted, response: Response, serving: Serving
) -> WorkspaceShown:
    """Create a workspace whose model its runtime can really be served with."""
    secrets = {name: value.get_secret_value() for name, value in wanted.secrets.items()}
    created = await serving.workspaces.create(
        Wanted(
            name=wanted.name,
            runtime=wanted.runtime,
            model=wanted.model or "",
            user=wanted.user,
            secrets=secrets,
        )
    )
    if created.is_unregistered:
        response.headers[UNREGISTERED_HEADER] = "true"
    return _shown(created.workspace, created.billing)


@router.get("/workspaces", tags=["workspaces"], responses=administrators((404, Code.NOT_FOUND)))
async def list_workspaces(
    serving: Serving,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[str | None, Query(max_length=100)] = None,
) -> list[WorkspaceShown]:
    """List workspaces with who pays for each, the newest first, or those before one of them."""
    return [_shown(*pair) for pair in await serving.workspaces.page(limit, before)]


@router.get(
    "/workspaces/{identity}/billing-mode",
    tags=["workspaces"],
    responses=administrators((404, Code.NOT_FOUND)),
)
async def show_billing_mode(identity: Identity, serving: Serving) -> BillingShown:
    """Say who pays for a workspace, and what that was taken from."""
    billing, override = await serving.workspaces.billing(identity)
    return _billing(billing, override)


@router.put(
    "/workspaces/{identity}/billing-mode",
    tags=["workspaces"],
    responses=administrators((404, Code.NOT_FOUND)),
)
async def override_billing_mode(
    identity: Identity, wanted: OverrideWanted, serving: Serving
) -> BillingShown:
    """Set or clear the override of who pays."""
    await serving.workspaces.override(identity, wanted.override)
    billing, override = await serving.workspaces.billing(identity)
    return _billing(billing, override)


@router.put("/secrets/{name}", status_code=204, tags=["secrets"], responses=administrators())
async def store_secret(
    name: Annotated[VariableName, Path()], wanted: SecretWanted, serving: Serving
) -> None:
    """Store a global secret, encrypted; its value is never returned."""
    value = wanted.value.get_secret_value()
    await serving.database.write(lambda connection: serving.stored.put(connection, name, value))


@router.delete(
    "/secrets/{name}",
    status_code=204,
    tags=["secrets"],
    responses=administrators((404, Code.NOT_FOUND)),
)
async def remove_secret(name: Annotated[VariableName, Path()], serving: Serving) -> None:
    """Remove a global secret."""
    database, stored = serving.database, serving.stored
    if not await database.write(lambda connection: stored.remove(connection, name)):
        raise Refusal(404, Code.NOT_FOUND, "There is no such secret.")


@router.get("/secrets", tags=["secrets"], responses=administrators())
async def list_secrets(serving: Serving) -> list[str]:
    """List the names of the global secrets."""
    return sorted(await serving.database.read(serving.stored.names))


@router.get(
    "/runtimes/{runtime}/models", tags=["runtimes"], responses=administrators((404, Code.NOT_FOUND))
)
async def list_models(runtime: Identity, serving: Serving) -> list[ModelShown]:
    """List a runtime's menu: each id with its provider, who pays, and what opens it.

    It is what a workspace gets that brings no secrets of its own: the stored ones decide.
    """
    names = await serving.database.read(serving.stored.names)
    try:
        offered = registry.offered_models(runtime, names)
    except registry.UnknownRuntimeError as error:
        raise Refusal(404, Code.NOT_FOUND, str(error)) from None
    return [
        ModelShown(
            id=model.id,
            provider=model.provider,
            is_platform=model.is_platform,
            auth_env=list(model.auth_env),
        )
        for model in offered
    ]


def _shown(workspace: Workspace, billing: registry.Billing) -> WorkspaceShown:
    return WorkspaceShown(
        id=workspace.id,
        name=workspace.name,
        runtime=workspace.runtime,
        model=workspace.model,
        user=workspace.user,
        created_at=workspace.created_at,
        billing=_billing(billing, workspace.override),
    )


def _billing(billing: registry.Billing, override: str | None) -> BillingShown:
    return BillingShown(
        mode=billing.mode, source=billing.source, override=override, provider=billing.provider
    )
