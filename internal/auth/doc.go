// Package auth knows who may do what: bearer tokens, their roles, and how a
// presented token is checked against the stored ones.
package auth
