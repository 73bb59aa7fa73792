// No program: go.sum pins a module that carries the official schema of SARIF, for the tests.
module example.com/providers-codegen-tests/sarif

go 1.21
