// Package api is the admin API: it shows where every route stands, lets people
// move them, and changes definitions. openapi.yaml is its source; the glue to
// gorilla/mux, the shapes (package wire) and the client are generated from it.
//
// Reads come from the store, and from what this router serves when the store is
// away. Writes need the store, and say that nothing was changed when it is not there.
package api

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config oapi-codegen.yaml openapi.yaml
