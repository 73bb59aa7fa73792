module example.com/provider-registry-benchmarks

go 1.21

require example.com/provider-registry v0.0.0

replace example.com/provider-registry => ../../generated/go
