// A registry's answer to a case, in the encoding of codegen/vectors.py. It needs nothing of Node:
// a browser can run it too.

const provider = (found) => ({
    name: found.name,
    display_name: found.displayName,
    vendor_logo: found.vendorLogo,
    protocol: found.protocol,
    auth_mode: found.authMode,
    base_url_template: found.baseUrlTemplate,
    base_url_anthropic: found.baseUrlAnthropic,
    auth_env: found.authEnv,
    auth_token_env: found.authTokenEnv,
    model_aliases: found.modelAliases,
    upstream_vendor: found.upstreamVendor,
    endpoint_vars: found.endpointVars,
    wire_model_prefix: found.wireModelPrefix,
    tooltip: found.tooltip,
    deprecated: found.deprecated,
    examples: found.examples,
    x_api_key_env: found.xApiKeyEnv,
    is_platform: found.isPlatform,
});

const arm = (found) => ({
    provider: found.provider,
    models: found.models,
    withdrawn_models: found.withdrawnModels,
});

const runtime = (found) => ({
    name: found.name,
    arms: found.arms.map(arm),
    default_model: found.defaultModel,
});

const constants = (registry) => ({
    schema_version: registry.SCHEMA_VERSION,
    fingerprint: registry.FINGERPRINT,
    credential_env_names: registry.CREDENTIAL_ENV_NAMES,
    providers: registry.PROVIDERS.map(provider),
    runtimes: registry.RUNTIMES.map(runtime),
});

const validation = (found) => ({
    verdict: found.verdict,
    is_allowed: found.isAllowed,
    runtime: found.runtime,
    model: found.model,
    message: found.message,
    suggestions: found.suggestions,
});

const credential = (found) => ({
    name: found.name,
    layer: found.layer,
    header: found.header,
    prefix: found.prefix,
    extra_headers: Object.entries(found.extraHeaders),
});

const offered = (found) => ({
    id: found.id,
    provider: found.provider,
    is_platform: found.isPlatform,
    auth_env: found.authEnv,
});

// The two ways of asking must agree, so every case asks both.
function derived(registry, { runtime: name, model, auth_env: names }) {
    const tried = registry.tryDeriveProvider(name, model, names);
    try {
        const found = registry.deriveProvider(name, model, names);
        if (!tried.ok || tried.provider !== found) {
            throw new Error(`tryDeriveProvider differs on ${name} ${model}`);
        }
        return found.name;
    } catch (error) {
        const isAlike = tried.ok === false && tried.error.message === error.message;
        throw isAlike ? tried.error : error;
    }
}

const billing = ({ auth_env: authEnv, override, default: fallback, pinned }) => ({
    authEnv,
    override,
    default: fallback,
    pinned,
});

// Sets and arrays are both layers; the driver takes turns.
const layers = (given) => given.map((names, index) => (index % 2 ? names : new Set(names)));

const ANSWERS = new Map([
    ["constants", (registry) => constants(registry)],
    ["derive_provider", derived],
    [
        "derive_provider_for_pin",
        (registry, a) => registry.deriveProviderForPin(a.runtime, a.model, a.auth_env).name,
    ],
    ["validate_model", (registry, a) => validation(registry.validateModel(a.runtime, a.model))],
    ["suggest_models", (registry, a) => registry.suggestModels(a.runtime, a.model)],
    [
        "resolve_billing_mode",
        (registry, a) => registry.resolveBillingMode(a.runtime, a.model, billing(a)),
    ],
    [
        "missing_credentials",
        (registry, a) => registry.missingCredentials(a.runtime, a.model, a.auth_env),
    ],
    ["resolve_upstream", (registry, a) => registry.resolveUpstream(a.model)],
    ["endpoint", (registry, a) => registry.endpoint(a.provider, a.protocol, a.env)],
    ["wire_model", (registry, a) => registry.wireModel(a.provider, a.model)],
    [
        "select_credential",
        (registry, a) =>
            credential(registry.selectCredential(a.provider, a.protocol, layers(a.layers))),
    ],
    [
        "offered_models",
        (registry, a) => registry.offeredModels(a.runtime, a.auth_env).map(offered),
    ],
    ["models_for_runtime", (registry, a) => registry.modelsForRuntime(a.runtime)],
    [
        "providers_for_runtime",
        (registry, a) => registry.providersForRuntime(a.runtime).map(({ name }) => name),
    ],
]);

const CARRIED = [
    "code",
    "message",
    "runtime",
    "model",
    "provider",
    "candidates",
    "names",
    "reason",
    "replacement",
    "suggestions",
];

function refusal(error) {
    const parts = CARRIED.map((key) => [key, error[key]]);
    return Object.fromEntries(parts.filter(([, part]) => part !== null && part.length > 0));
}

export function answer(registry, { fn, args }) {
    try {
        return { value: ANSWERS.get(fn)(registry, args) };
    } catch (error) {
        if (error instanceof registry.RegistryError) {
            return { error: refusal(error) };
        }
        throw error;
    }
}
