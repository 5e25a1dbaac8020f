// Package client speaks the admin API, generated from openapi.yaml. Its shapes
// are those of package wire.
//
// Every method of ClientWithResponses reads its answer to the end, and fills
// ApplicationProblemJSONDefault when the answer is an error. YAML and plain text
// are in Body.
package client

//go:generate go tool -modfile=../../../tools/go.mod oapi-codegen -config oapi-codegen.yaml ../openapi.yaml
