// Command ask-provider says which provider serves a model on a runtime, who pays, and how
// to reach it.
//
// Usage: ask-provider RUNTIME MODEL [VARIABLE ...]
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	registry "example.com/provider-registry"
)

// The base URL of the surface that the provider speaks by nature.
func address(provider *registry.Provider) string {
	url, err := registry.Endpoint(string(provider.Name), string(provider.Protocol), nil)
	if err != nil {
		return fmt.Sprintf("none: %v", err)
	}
	return url
}

// The header to send, with the name of the variable and never its value.
func header(provider *registry.Provider, names []string) string {
	layers := [][]string{names}
	found, err := registry.SelectCredential(string(provider.Name), string(provider.Protocol), layers)
	if err != nil {
		return fmt.Sprintf("none: %v", err)
	}
	return fmt.Sprintf("%s: %s$%s", found.Header, found.Prefix, found.Name)
}

func printAnswer(provider *registry.Provider, names []string) {
	payer := "the tenant"
	if provider.IsPlatform {
		payer = "the platform"
	}
	fmt.Println("provider:", provider.Name)
	fmt.Println("pays:    ", payer)
	fmt.Println("endpoint:", address(provider))
	fmt.Println("header:  ", header(provider, names))
}

func printRefusal(refused *registry.Error) {
	nearest := "none"
	if suggestions := refused.Suggestions(); len(suggestions) > 0 {
		nearest = strings.Join(suggestions, ", ")
	}
	fmt.Println("refused: ", refused.Code)
	fmt.Println("reason:  ", refused)
	fmt.Println("nearest: ", nearest)
}

// It exits with 0 for an answer, 1 for a refusal and 2 where there is no question.
func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: ask-provider RUNTIME MODEL [VARIABLE ...]")
		os.Exit(2)
	}
	names := os.Args[3:]
	provider, err := registry.DeriveProvider(os.Args[1], os.Args[2], names)
	var refused *registry.Error
	if errors.As(err, &refused) {
		printRefusal(refused)
		os.Exit(1)
	}
	printAnswer(provider, names)
}
