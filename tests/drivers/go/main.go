// Command driver answers the conformance cases with the generated Go package.
//
// It prints one line of JSON for each case, in order: {"value": …} or {"error": …}.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	registry "example.com/provider-registry"
)

type object = map[string]any

type arguments struct {
	Runtime  string            `json:"runtime"`
	Model    string            `json:"model"`
	AuthEnv  []string          `json:"auth_env"`
	Override string            `json:"override"`
	Default  string            `json:"default"`
	Pinned   bool              `json:"pinned"`
	Provider string            `json:"provider"`
	Protocol string            `json:"protocol"`
	Env      map[string]string `json:"env"`
	Layers   [][]string        `json:"layers"`
}

type conformanceCase struct {
	Function  string    `json:"fn"`
	Arguments arguments `json:"args"`
}

var answers = map[string]func(arguments) (any, error){
	"constants":               constants,
	"derive_provider":         deriveProvider,
	"derive_provider_for_pin": deriveProviderForPin,
	"validate_model":          validateModel,
	"suggest_models":          suggestModels,
	"resolve_billing_mode":    resolveBillingMode,
	"missing_credentials":     missingCredentials,
	"resolve_upstream":        resolveUpstream,
	"endpoint":                endpoint,
	"wire_model":              wireModel,
	"select_credential":       selectCredential,
	"offered_models":          offeredModels,
	"models_for_runtime":      modelsForRuntime,
	"providers_for_runtime":   providersForRuntime,
}

// Absent texts are null, and empty lists are lists.

func orNull[T ~string](text T) any {
	if text == "" {
		return nil
	}
	return text
}

func list[T any](items []T) []T {
	return append([]T{}, items...)
}

func mapped[T, R any](items []T, convert func(T) R) []R {
	converted := []R{}
	for _, item := range items {
		converted = append(converted, convert(item))
	}
	return converted
}

func nameOf(provider *registry.Provider) registry.ProviderName {
	return provider.Name
}

func nameOrError(provider *registry.Provider, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return provider.Name, nil
}

func deriveProvider(a arguments) (any, error) {
	return nameOrError(registry.DeriveProvider(a.Runtime, a.Model, a.AuthEnv))
}

func deriveProviderForPin(a arguments) (any, error) {
	return nameOrError(registry.DeriveProviderForPin(a.Runtime, a.Model, a.AuthEnv))
}

func validateModel(a arguments) (any, error) {
	found := registry.ValidateModel(a.Runtime, a.Model)
	return object{
		"verdict":     found.Verdict,
		"is_allowed":  found.Allowed,
		"runtime":     found.Runtime,
		"model":       found.Model,
		"message":     found.Message(),
		"suggestions": list(found.Suggestions()),
	}, nil
}

func suggestModels(a arguments) (any, error) {
	return list(registry.SuggestModels(a.Runtime, a.Model)), nil
}

func resolveBillingMode(a arguments) (any, error) {
	fallback := registry.BillingMode(a.Default)
	found := registry.ResolveBillingMode(a.Runtime, a.Model, a.AuthEnv, a.Override, fallback, a.Pinned)
	return object{"mode": found.Mode, "source": found.Source, "provider": orNull(found.Provider)}, nil
}

func missingCredentials(a arguments) (any, error) {
	found, ok := registry.MissingCredentials(a.Runtime, a.Model, a.AuthEnv)
	if !ok {
		return nil, nil
	}
	return object{"provider": found.Provider, "names": list(found.Names)}, nil
}

func resolveUpstream(a arguments) (any, error) {
	found, err := registry.ResolveUpstream(a.Model)
	return object{"vendor": found.Vendor, "model": found.Model, "provider": found.Provider}, err
}

func endpoint(a arguments) (any, error) {
	return registry.Endpoint(a.Provider, a.Protocol, a.Env)
}

func wireModel(a arguments) (any, error) {
	return registry.WireModel(a.Provider, a.Model)
}

func selectCredential(a arguments) (any, error) {
	found, err := registry.SelectCredential(a.Provider, a.Protocol, a.Layers)
	return object{
		"name":          found.Name,
		"layer":         found.Layer,
		"header":        found.Header,
		"prefix":        found.Prefix,
		"extra_headers": list(found.ExtraHeaders),
	}, err
}

func offeredModels(a arguments) (any, error) {
	found, err := registry.OfferedModels(a.Runtime, a.AuthEnv)
	return mapped(found, offeredModel), err
}

func offeredModel(offered registry.OfferedModel) object {
	return object{
		"id":          offered.ID,
		"provider":    offered.Provider,
		"is_platform": offered.IsPlatform,
		"auth_env":    list(offered.AuthEnv),
	}
}

func modelsForRuntime(a arguments) (any, error) {
	found, err := registry.ModelsForRuntime(a.Runtime)
	return list(found), err
}

func providersForRuntime(a arguments) (any, error) {
	found, err := registry.ProvidersForRuntime(a.Runtime)
	return mapped(found, nameOf), err
}

func constants(arguments) (any, error) {
	return object{
		"schema_version":       registry.SchemaVersion,
		"fingerprint":          registry.Fingerprint,
		"credential_env_names": list(registry.CredentialEnvNames),
		"providers":            mapped(registry.Providers, catalogProvider),
		"runtimes":             mapped(registry.Runtimes, catalogRuntime),
	}, nil
}

func catalogProvider(provider *registry.Provider) object {
	return object{
		"name":               provider.Name,
		"display_name":       provider.DisplayName,
		"vendor_logo":        provider.VendorLogo,
		"protocol":           provider.Protocol,
		"auth_mode":          provider.AuthMode,
		"base_url_template":  orNull(provider.BaseURLTemplate),
		"base_url_anthropic": orNull(provider.BaseURLAnthropic),
		"auth_env":           list(provider.AuthEnv),
		"auth_token_env":     provider.AuthTokenEnv,
		"x_api_key_env":      list(provider.XAPIKeyEnv),
		"model_aliases":      list(provider.ModelAliases),
		"upstream_vendor":    orNull(provider.UpstreamVendor),
		"endpoint_vars":      mapped(provider.EndpointVars, endpointVar),
		"wire_model_prefix":  orNull(provider.WireModelPrefix),
		"tooltip":            provider.Tooltip,
		"deprecated":         deprecation(provider.Deprecated),
		"examples":           list(provider.Examples),
		"is_platform":        provider.IsPlatform,
	}
}

func endpointVar(variable registry.EndpointVar) object {
	return object{
		"placeholder": variable.Placeholder,
		"env":         variable.Env,
		"default":     variable.Default,
	}
}

func deprecation(deprecated *registry.Deprecation) any {
	if deprecated == nil {
		return nil
	}
	return object{
		"since":       orNull(deprecated.Since),
		"replacement": orNull(deprecated.Replacement),
		"note":        deprecated.Note,
	}
}

func catalogRuntime(runtime *registry.Runtime) object {
	return object{
		"name":          runtime.Name,
		"arms":          mapped(runtime.Arms, catalogArm),
		"default_model": orNull(runtime.DefaultModel),
	}
}

func catalogArm(arm registry.Arm) object {
	return object{
		"provider":         arm.Provider,
		"models":           list(arm.Models),
		"withdrawn_models": mapped(arm.WithdrawnModels, withdrawnModel),
	}
}

func withdrawnModel(gone registry.WithdrawnModel) object {
	return object{"id": gone.ID, "reason": gone.Reason, "replacement": orNull(gone.Replacement)}
}

type refusal struct {
	Code        registry.ErrorCode      `json:"code"`
	Message     string                  `json:"message"`
	Runtime     string                  `json:"runtime,omitempty"`
	Model       string                  `json:"model,omitempty"`
	Provider    string                  `json:"provider,omitempty"`
	Candidates  []registry.ProviderName `json:"candidates,omitempty"`
	Names       []string                `json:"names,omitempty"`
	Reason      string                  `json:"reason,omitempty"`
	Replacement string                  `json:"replacement,omitempty"`
	Suggestions []string                `json:"suggestions,omitempty"`
}

// The code and the sentinel of an error must always be found together.
var sentinels = map[registry.ErrorCode]error{
	registry.CodeModelRequired:      registry.ErrModelRequired,
	registry.CodeUnknownRuntime:     registry.ErrUnknownRuntime,
	registry.CodeUnregisteredModel:  registry.ErrUnregisteredModel,
	registry.CodeWithdrawnModel:     registry.ErrWithdrawnModel,
	registry.CodeAmbiguousModel:     registry.ErrAmbiguousModel,
	registry.CodeBareModel:          registry.ErrBareModel,
	registry.CodeUnknownProvider:    registry.ErrUnknownProvider,
	registry.CodeNoSurface:          registry.ErrNoSurface,
	registry.CodeMissingEndpointVar: registry.ErrMissingEndpointVar,
	registry.CodeMissingCredential:  registry.ErrMissingCredential,
	registry.CodeNotProxyable:       registry.ErrNotProxyable,
}

func refused(err error) (refusal, error) {
	var found *registry.Error
	if !errors.As(err, &found) {
		return refusal{}, fmt.Errorf("not an error of the registry: %w", err)
	}
	if !errors.Is(err, sentinels[found.Code]) {
		return refusal{}, fmt.Errorf("%s does not wrap its sentinel", found.Code)
	}
	return refusal{
		Code:        found.Code,
		Message:     found.Error(),
		Runtime:     found.Runtime,
		Model:       found.Model,
		Provider:    found.Provider,
		Candidates:  found.Candidates,
		Names:       found.Names,
		Reason:      found.Reason,
		Replacement: found.Replacement,
		Suggestions: found.Suggestions(),
	}, nil
}

func answer(question conformanceCase) (object, error) {
	ask, ok := answers[question.Function]
	if !ok {
		return nil, fmt.Errorf("no function %q", question.Function)
	}
	value, err := ask(question.Arguments)
	if err == nil {
		return object{"value": value}, nil
	}
	found, err := refused(err)
	return object{"error": found}, err
}

func read(path string) ([]conformanceCase, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var document struct {
		Cases []conformanceCase `json:"cases"`
	}
	err = json.Unmarshal(data, &document)
	return document.Cases, err
}

func run(path string) error {
	cases, err := read(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, question := range cases {
		found, err := answer(question)
		if err != nil {
			return err
		}
		if err := encoder.Encode(found); err != nil {
			return err
		}
	}
	return out.Flush()
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: driver CASES.json")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}
