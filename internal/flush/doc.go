// Package flush runs what brings counts to the store: often, and once more when
// a router stops.
package flush
