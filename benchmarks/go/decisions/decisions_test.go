// Package decisions measures the generated registry beside a plain implementation of the same
// specification, and beside one look-up in a map, with the questions of its own vectors.
package decisions

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	registry "example.com/provider-registry"
)

// What services in the field do with a manifest: the specification, followed step by step.
// Patterns are compiled once. At every call the providers are put into a map by name, the arms
// of the runtime are looked for, and the patterns of its arms run one by one.

type plainProvider struct {
	Name             string   `json:"name"`
	DisplayName      string   `json:"display_name"`
	VendorLogo       string   `json:"vendor_logo"`
	Protocol         string   `json:"protocol"`
	AuthMode         string   `json:"auth_mode"`
	BaseURLTemplate  *string  `json:"base_url_template"`
	BaseURLAnthropic *string  `json:"base_url_anthropic"`
	AuthEnv          []string `json:"auth_env"`
	AuthTokenEnv     string   `json:"auth_token_env"`
	Pattern          string   `json:"model_prefix_match"`
	ModelAliases     []string `json:"model_aliases"`
	UpstreamVendor   *string  `json:"upstream_vendor"`

	compiled *regexp.Regexp
}

type plainArm struct {
	Name   string   `json:"name"`
	Models []string `json:"models"`
	Gone   []struct {
		ID string `json:"id"`
	} `json:"withdrawn_models"`
}

type plainRuntime struct {
	Name string     `json:"name"`
	Arms []plainArm `json:"providers"`
}

type plainManifest struct {
	Providers []plainProvider `json:"providers"`
	Runtimes  []plainRuntime  `json:"runtimes"`
}

type plainError struct {
	code, runtime, model string
	candidates           []string
}

func (e *plainError) Error() string {
	return fmt.Sprintf("%s: model %q on runtime %q %v", e.code, e.model, e.runtime, e.candidates)
}

func readPlain(path string) (*plainManifest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Registry plainManifest `json:"registry"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	for i := range file.Registry.Providers {
		provider := &file.Registry.Providers[i]
		if provider.compiled, err = regexp.Compile(provider.Pattern); err != nil {
			return nil, err
		}
	}
	return &file.Registry, nil
}

func (m *plainManifest) providersByName() map[string]plainProvider {
	byName := make(map[string]plainProvider, len(m.Providers))
	for _, provider := range m.Providers {
		byName[provider.Name] = provider
	}
	return byName
}

func (m *plainManifest) arms(runtime string) ([]plainArm, bool) {
	for _, candidate := range m.Runtimes {
		if candidate.Name == runtime {
			return candidate.Arms, true
		}
	}
	return nil, false
}

func (p plainProvider) isMet(authEnv []string) bool {
	for _, name := range p.AuthEnv {
		if slices.Contains(authEnv, name) {
			return true
		}
	}
	return false
}

func met(providers []plainProvider, authEnv []string) []plainProvider {
	var left []plainProvider
	for _, provider := range providers {
		if provider.isMet(authEnv) {
			left = append(left, provider)
		}
	}
	return left
}

func (m *plainManifest) derive(runtime, model string, authEnv []string) (string, error) {
	model = strings.TrimSpace(model)
	if model == "" {
		return "", &plainError{code: "model_required", runtime: runtime}
	}
	byName := m.providersByName()
	arms, ok := m.arms(runtime)
	if !ok {
		return "", &plainError{code: "unknown_runtime", runtime: runtime}
	}
	var listing []plainProvider
	for _, arm := range arms {
		if slices.Contains(arm.Models, model) {
			listing = append(listing, byName[arm.Name])
		}
	}
	if len(listing) > 0 {
		if left := met(listing, authEnv); len(left) == 1 {
			return left[0].Name, nil
		}
		return listing[0].Name, nil
	}
	for _, arm := range arms {
		for _, gone := range arm.Gone {
			if gone.ID == model {
				return "", &plainError{code: "withdrawn_model", runtime: runtime, model: model}
			}
		}
	}
	var matching []plainProvider
	for _, arm := range arms {
		if provider := byName[arm.Name]; provider.compiled.MatchString(model) {
			matching = append(matching, provider)
		}
	}
	switch len(matching) {
	case 0:
		return "", &plainError{code: "unregistered_model", runtime: runtime, model: model}
	case 1:
		return matching[0].Name, nil
	}
	left := met(matching, authEnv)
	switch len(left) {
	case 0:
		left = matching
	case 1:
		return left[0].Name, nil
	}
	candidates := make([]string, 0, len(left))
	for _, provider := range left {
		candidates = append(candidates, provider.Name)
	}
	sort.Strings(candidates)
	return "", &plainError{"ambiguous_model", runtime, model, candidates}
}

type vector struct {
	Function  string `json:"fn"`
	Arguments struct {
		Runtime string   `json:"runtime"`
		Model   string   `json:"model"`
		AuthEnv []string `json:"auth_env"`
	} `json:"args"`
	Want struct {
		Value any `json:"value"`
		Error *struct {
			Code       string   `json:"code"`
			Candidates []string `json:"candidates"`
		} `json:"error"`
	} `json:"want"`
}

func readVectors(path string) ([]vector, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Cases []vector `json:"cases"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(file.Cases, func(v vector) bool { return v.Function != "derive_provider" }), nil
}

func TestBothGiveTheAnswersOfTheReference(t *testing.T) {
	if len(vectors) < 1_000 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	for _, v := range vectors {
		found, refusal := registry.DeriveProvider(v.Arguments.Runtime, v.Arguments.Model, v.Arguments.AuthEnv)
		if (refusal == nil) != (v.Want.Error == nil) || refusal == nil && string(found.Name) != v.Want.Value {
			t.Errorf("%+v: %v, %v", v, found, refusal)
		}
		name, err := plain.derive(v.Arguments.Runtime, v.Arguments.Model, v.Arguments.AuthEnv)
		if v.Want.Error == nil {
			if err != nil || name != v.Want.Value {
				t.Errorf("%+v: %v, %v", v, name, err)
			}
			continue
		}
		var refused *plainError
		if !errors.As(err, &refused) || refused.code != v.Want.Error.Code ||
			!slices.Equal(refused.candidates, v.Want.Error.Candidates) {
			t.Errorf("%+v: %v, %v", v, name, err)
		}
	}
}

// A question that names no variables, and the ids of its runtime to look up in a map.
type question struct {
	runtime, model string
	menu           map[string]*registry.Provider
}

var (
	plain     *plainManifest
	vectors   []vector
	questions = map[string][]question{}

	// Answers go here, so that the compiler cannot leave a question out.
	provider *registry.Provider
	name     string
	fault    error
)

func TestMain(m *testing.M) {
	generated := filepath.Join("..", "..", "..", "generated")
	var err error
	if plain, err = readPlain(filepath.Join(generated, "registry.json")); err == nil {
		vectors, err = readVectors(filepath.Join(generated, "vectors.json"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ask()
	os.Exit(m.Run())
}

func menus() map[string]map[string]*registry.Provider {
	found := map[string]map[string]*registry.Provider{}
	for _, runtime := range registry.Runtimes {
		menu := map[string]*registry.Provider{}
		for _, arm := range runtime.Arms {
			for _, model := range arm.Models {
				menu[model], _ = registry.ProviderNamed(string(arm.Provider))
			}
		}
		found[string(runtime.Name)] = menu
	}
	return found
}

// Tells an id as people write it. The others test more often than they occur: white space
// around an id, letters of other scripts, 10,000 characters.
func isOrdinary(model string) bool {
	for _, char := range model {
		if char <= ' ' || char > '~' {
			return false
		}
	}
	return len(model) <= 64
}

// Sorts the questions by what becomes of them.
func ask() {
	menus := menus()
	for _, v := range vectors {
		q := question{v.Arguments.Runtime, v.Arguments.Model, menus[v.Arguments.Runtime]}
		_, isListed := q.menu[q.model]
		var kind string
		switch {
		case len(v.Arguments.AuthEnv) > 0:
			continue
		case isListed:
			kind = "listed"
		case !isOrdinary(q.model):
			kind = "hostile"
		case v.Want.Error == nil:
			kind = "prefix"
		case v.Want.Error.Code == "unregistered_model":
			kind = "miss"
		default:
			continue
		}
		questions[kind] = append(questions[kind], q)
	}
}

func BenchmarkDecision(b *testing.B) {
	for _, kind := range []string{"listed", "prefix", "miss", "hostile"} {
		asked := questions[kind]
		b.Run(kind+"/map", func(b *testing.B) {
			b.ReportAllocs()
			for i, next := 0, 0; i < b.N; i, next = i+1, next+1 {
				if next == len(asked) {
					next = 0
				}
				provider = asked[next].menu[asked[next].model]
			}
		})
		b.Run(kind+"/DeriveProvider", func(b *testing.B) {
			b.ReportAllocs()
			for i, next := 0, 0; i < b.N; i, next = i+1, next+1 {
				if next == len(asked) {
					next = 0
				}
				provider, fault = registry.DeriveProvider(asked[next].runtime, asked[next].model, nil)
			}
		})
		b.Run(kind+"/plain", func(b *testing.B) {
			b.ReportAllocs()
			for i, next := 0, 0; i < b.N; i, next = i+1, next+1 {
				if next == len(asked) {
					next = 0
				}
				name, fault = plain.derive(asked[next].runtime, asked[next].model, nil)
			}
		})
	}
}
