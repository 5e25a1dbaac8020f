// Package auth knows who may do what: bearer tokens, their roles, how a
// presented token is checked against the stored ones, and the signed overrides
// that put a tester on one side of a route.
package auth
