// Package growth asks a registry of one runtime as many questions at every size of its catalog.
package growth

import (
	"math/rand"
	"strings"
	"testing"

	registry "example.com/provider-registry"
)

// As many as the smallest catalog lists.
const asked = 50

var (
	runtime = string(registry.Runtimes[0].Name)
	ids, _  = registry.ModelsForRuntime(runtime)

	provider *registry.Provider
	fault    error
)

// Draws ids evenly from the menu, and makes another text of each.
func drawn(other func(id string) string) []string {
	texts := make([]string, asked)
	for i := range texts {
		texts[i] = other(ids[i*len(ids)/asked])
	}
	return texts
}

func itself(id string) string {
	return id
}

// An id of the same vendor that is not listed.
func unlisted(id string) string {
	return id + "-preview"
}

// An id that no vendor owns, though it begins with the whole name of one.
func unowned(id string) string {
	return strings.Replace(id, "/", ".", 1)
}

func decide(b *testing.B, models []string) {
	b.ReportAllocs()
	for i, next := 0, 0; i < b.N; i, next = i+1, next+1 {
		if next == len(models) {
			next = 0
		}
		provider, fault = registry.DeriveProvider(runtime, models[next], nil)
	}
}

func look(b *testing.B, models []string) {
	found := make(map[string]*registry.Provider, len(ids))
	for _, arm := range registry.Runtimes[0].Arms {
		owner, _ := registry.ProviderNamed(string(arm.Provider))
		for _, id := range arm.Models {
			found[id] = owner
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i, next := 0, 0; i < b.N; i, next = i+1, next+1 {
		if next == len(models) {
			next = 0
		}
		provider = found[models[next]]
	}
}

// Each id once, in an order that no cache can foresee.
func shuffled() []string {
	texts := append([]string(nil), ids...)
	rand.New(rand.NewSource(1)).Shuffle(len(texts), func(i, j int) {
		texts[i], texts[j] = texts[j], texts[i]
	})
	return texts
}

func BenchmarkGrowth(b *testing.B) {
	for _, kind := range []struct {
		name  string
		other func(string) string
	}{{"listed", itself}, {"prefix", unlisted}, {"miss", unowned}} {
		models := drawn(kind.other)
		b.Run(kind.name, func(b *testing.B) { decide(b, models) })
	}
	b.Run("map", func(b *testing.B) { look(b, drawn(itself)) })
}

func BenchmarkSweep(b *testing.B) {
	models := shuffled()
	b.Run("sweep/DeriveProvider", func(b *testing.B) { decide(b, models) })
	b.Run("sweep/map", func(b *testing.B) { look(b, models) })
}
