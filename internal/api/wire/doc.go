// Package wire holds the shapes of the admin API, generated from openapi.yaml.
//
// They are what the API promises, and nothing else: the server maps them to and
// from the types of the domain.
package wire

//go:generate go tool -modfile=../../../tools/go.mod oapi-codegen -config oapi-codegen.yaml ../openapi.yaml
