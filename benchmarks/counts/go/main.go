// Command counts asks the Go artifact the questions of one kind, again and again.
//
//	counts LOOP PASSES QUESTIONS
//
// LOOP is a kind of question; "map look-up" looks the listed ids up in a map instead, and
// "allocations" prints how many allocations the worst decision of each kind makes. Callgrind counts
// what happens inside of main.decide or main.look, and nothing of the start.
package main

import (
	"encoding/json"
	"log"
	"os"
	"strconv"
	"strings"
	"testing"

	registry "example.com/provider-registry"
)

type question [2]string

// What comes out is kept, so that no call is left out as useless.
var (
	provider *registry.Provider
	refused  error
	number   int
)

//go:noinline
func decide(questions []question, passes int) {
	for i := 0; i < passes; i++ {
		for _, q := range questions {
			provider, refused = registry.DeriveProvider(q[0], q[1], nil)
		}
	}
}

//go:noinline
func look(questions []question, known map[string]int, passes int) {
	for i := 0; i < passes; i++ {
		for _, q := range questions {
			number = known[q[1]]
		}
	}
}

func numbered(questions []question) map[string]int {
	known := make(map[string]int, len(questions))
	for i, q := range questions {
		known[q[1]] = i
	}
	return known
}

func allocations(questions []question) int {
	most := 0
	for _, q := range questions {
		made := testing.AllocsPerRun(100, func() {
			provider, refused = registry.DeriveProvider(q[0], q[1], nil)
		})
		most = max(most, int(made))
	}
	return most
}

func printAllocations(kinds map[string][]question) error {
	most := make(map[string]int, len(kinds))
	for kind, questions := range kinds {
		most[kind] = allocations(questions)
	}
	return json.NewEncoder(os.Stdout).Encode(most)
}

// byKind reads one question a line: kind, runtime and id, with tabs between.
func byKind(path string) (map[string][]question, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	kinds := map[string][]question{}
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		cells := strings.Split(line, "\t")
		kinds[cells[0]] = append(kinds[cells[0]], question{cells[1], cells[2]})
	}
	return kinds, nil
}

func run(loop, passes, path string) error {
	kinds, err := byKind(path)
	if err != nil {
		return err
	}
	times, err := strconv.Atoi(passes)
	if err != nil {
		return err
	}
	switch loop {
	case "allocations":
		return printAllocations(kinds)
	case "map look-up":
		look(kinds["listed"], numbered(kinds["listed"]), times)
	default:
		decide(kinds[loop], times)
	}
	return nil
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: counts LOOP PASSES QUESTIONS")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}
