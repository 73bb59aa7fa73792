package main

import (
	"encoding/json"
	"os"
	"testing"

	registry "example.com/provider-registry"
)

// What one decision may put on the heap: nothing, or the error that it ends in.
func TestDecisionsAllocateNothingButTheirError(t *testing.T) {
	text, err := os.ReadFile(os.Getenv("CASES"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []conformanceCase `json:"cases"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	seen := map[registry.ErrorCode]int{}
	// What the runtime of Go allocates for itself is lost in the average of many runs.
	for _, asked := range file.Cases {
		derive := registry.DeriveProvider
		switch asked.Function {
		case "derive_provider_for_pin":
			derive = registry.DeriveProviderForPin
		case "derive_provider":
		default:
			continue
		}
		a, allowed := asked.Arguments, 0.0
		if _, err := derive(a.Runtime, a.Model, a.AuthEnv); err != nil {
			allowed = 1
			seen[err.(*registry.Error).Code]++
		}
		made := testing.AllocsPerRun(100, func() { derive(a.Runtime, a.Model, a.AuthEnv) })
		if made > allowed {
			t.Errorf("%s(%q, %.80q, %q) makes %v", asked.Function, a.Runtime, a.Model, a.AuthEnv, made)
		}
	}
	for code, count := range seen {
		t.Logf("%s: %d", code, count)
	}
}
