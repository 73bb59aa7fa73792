// A type test: it compiles only if the declarations are what their users expect.

import {
    CREDENTIAL_ENV_NAMES,
    PROVIDERS,
    RUNTIMES,
    RegistryError,
    deriveProvider,
    endpoint,
    missingCredentials,
    offeredModels,
    resolveBillingMode,
    selectCredential,
    suggestModels,
    tryDeriveProvider,
    validateModel,
} from "provider-registry";
import type {
    Billing,
    BillingMode,
    Credential,
    ErrorCode,
    ModelId,
    Protocol,
    Provider,
    ProviderName,
    Runtime,
    RuntimeName,
    Verdict,
} from "provider-registry";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2
    ? true
    : false;
const is = <T extends true>(): T => true as T;

// A result narrows by `ok`.
export function label(runtime: string, model: string): string {
    const derived = tryDeriveProvider(runtime, model, new Set(["OPENAI_API_KEY"]));
    switch (derived.ok) {
        case true:
            // @ts-expect-error a success has no error
            derived.error;
            return derived.provider.displayName;
        case false:
            // @ts-expect-error a failure has no provider
            derived.provider;
            return `${derived.error.code}: ${derived.error.suggestions.join()}`;
    }
}

// Names are unions of literals: a name that is misspelt is an error.
export const platform: ProviderName = "platform";
export const runtime: RuntimeName = "claude-code";
export const model: ModelId = "gpt-5.5";
// @ts-expect-error
export const misspeltProvider: ProviderName = "platfrom";
// @ts-expect-error
export const misspeltRuntime: RuntimeName = "claude-cod";
// @ts-expect-error
export const misspeltModel: ModelId = "gpt-5.55555";
is<Same<Provider["name"], ProviderName>>();
is<Same<(typeof PROVIDERS)[number], Provider>>();
is<Same<(typeof RUNTIMES)[number], Runtime>>();

// A switch over every code needs no default.
export function status(code: ErrorCode): number {
    switch (code) {
        case "model_required":
        case "unregistered_model":
        case "ambiguous_model":
        case "bare_model":
            return 400;
        case "unknown_runtime":
        case "unknown_provider":
        case "no_surface":
            return 404;
        case "withdrawn_model":
            return 410;
        case "missing_credential":
        case "missing_endpoint_var":
            return 424;
        case "not_proxyable":
            return 501;
    }
}

// So do verdicts and modes.
export const isRefused: Readonly<Record<Verdict, boolean>> = {
    empty: false,
    unknown_runtime: false,
    listed: false,
    withdrawn: true,
    routable: false,
    unregistered: true,
};
export const payer: Readonly<Record<BillingMode, string>> = {
    platform_managed: "platform",
    byok: "tenant",
    disabled: "nobody",
};

// What is shared cannot be changed.
export function changes(provider: Provider): void {
    // @ts-expect-error
    PROVIDERS.push(provider);
    // @ts-expect-error
    RUNTIMES.pop();
    // @ts-expect-error
    CREDENTIAL_ENV_NAMES.sort();
    // @ts-expect-error
    provider.authEnv.push("KEY");
    // @ts-expect-error
    provider.isPlatform = true;
    // @ts-expect-error
    suggestModels("codex", "gpt").push("gpt-5.5");
    // @ts-expect-error
    validateModel("codex", "gpt").verdict = "listed";
}

// What may be absent must be looked at.
export function absent(provider: Provider): void {
    is<Same<Provider["baseUrlTemplate"], string | null>>();
    is<Same<Provider["protocol"], Protocol>>();
    // @ts-expect-error
    provider.tooltip.length;
    // @ts-expect-error
    missingCredentials("codex", "gpt-5.5").names;
}

// Names come as any iterable, layers as sets or arrays, the environment as Node has it.
export function asked(env: Readonly<Record<string, string | undefined>>): Credential {
    deriveProvider("codex", "gpt-5.5");
    deriveProvider("codex", "gpt-5.5", Object.keys(env).values());
    offeredModels("codex", ["OPENAI_API_KEY"]);
    endpoint("openai-api", "openai", env);
    const billing: Billing = resolveBillingMode("codex", "gpt-5.5", {
        authEnv: undefined,
        override: null,
        default: "byok",
        pinned: true,
    });
    is<Same<typeof billing.provider, ProviderName | null>>();
    // @ts-expect-error
    resolveBillingMode("codex", "gpt-5.5", { default: "free" });
    // @ts-expect-error a text is a sequence of characters, not a layer
    selectCredential("openai-api", "openai", ["OPENAI_API_KEY"]);
    return selectCredential("openai-api", "openai", [new Set(["A"]), ["OPENAI_API_KEY"]]);
}

// Errors are caught by class and told apart by code.
export function caught(error: unknown): readonly string[] {
    if (error instanceof RegistryError && error.code === "ambiguous_model") {
        is<Same<typeof error.candidates, readonly ProviderName[]>>();
        return error.candidates;
    }
    return error instanceof Error ? [error.message] : [];
}
