#!/usr/bin/env node
// Say which provider serves a model on a runtime, who pays, and how to reach it.
//
// Usage: ask-provider RUNTIME MODEL [VARIABLE ...]

import { RegistryError, endpoint, selectCredential, tryDeriveProvider } from "provider-registry";
import type { Provider } from "provider-registry";

// All that is needed of Node; a larger program would depend on @types/node instead.
declare const process: { readonly argv: readonly string[]; exitCode: number };
declare const console: { log(line: string): void; error(line: string): void };

// What `ask` returns, or why it was refused.
function attempt(ask: () => string): string {
  try {
    return ask();
  } catch (error) {
    if (error instanceof RegistryError) {
      return `none: ${error.message}`;
    }
    throw error;
  }
}

// The base URL of the surface that the provider speaks by nature.
function address(provider: Provider): string {
  return attempt(() => endpoint(provider.name, provider.protocol));
}

// The header to send, with the name of the variable and never its value.
function header(provider: Provider, names: readonly string[]): string {
  return attempt(() => {
    const found = selectCredential(provider.name, provider.protocol, [names]);
    return `${found.header}: ${found.prefix}$${found.name}`;
  });
}

function printAnswer(provider: Provider, names: readonly string[]): void {
  console.log(`provider: ${provider.name}`);
  console.log(`pays:     ${provider.isPlatform ? "the platform" : "the tenant"}`);
  console.log(`endpoint: ${address(provider)}`);
  console.log(`header:   ${header(provider, names)}`);
}

function printRefusal(error: RegistryError): void {
  console.log(`refused:  ${error.code}`);
  console.log(`reason:   ${error.message}`);
  console.log(`nearest:  ${error.suggestions.join(", ") || "none"}`);
}

// Return 0 for an answer, 1 for a refusal and 2 where there is no question.
function main(runtime?: string, model?: string, ...names: string[]): number {
  if (runtime === undefined || model === undefined) {
    console.error("usage: ask-provider RUNTIME MODEL [VARIABLE ...]");
    return 2;
  }
  const derived = tryDeriveProvider(runtime, model, names);
  if (!derived.ok) {
    printRefusal(derived.error);
    return 1;
  }
  printAnswer(derived.provider, names);
  return 0;
}

process.exitCode = main(...process.argv.slice(2));
