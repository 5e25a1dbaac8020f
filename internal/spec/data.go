package spec

import (
	"fmt"
	"slices"
)

// The values of data: where a route's writes go.
const (
	dataShared   = "shared"   // both sides keep one store; the default
	dataSynced   = "synced"   // each side has its own, and something keeps them alike
	dataSeparate = "separate" // each side has its own
)

// splitsWrites reports whether requests of the route may write, and what one
// side writes the other does not have.
func (r Route) splitsWrites() bool {
	if r.Data != dataSeparate {
		return false
	}
	return len(r.Match.Methods) == 0 || slices.ContainsFunc(r.Match.Methods, func(method string) bool {
		return !slices.Contains([]string{"GET", "HEAD", "OPTIONS", "TRACE"}, method)
	})
}

// dataFault says what is wrong with a value of data; empty: nothing.
func dataFault(data string) string {
	if slices.Contains([]string{"", dataShared, dataSynced, dataSeparate}, data) {
		return ""
	}
	return fmt.Sprintf("data is %q: write shared, synced or separate", data)
}
