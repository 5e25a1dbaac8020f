// Package app joins the rooms of the house and does nothing else: it reads the
// configuration, opens the store, hands every room its ports, and turns what
// the store holds into what the data plane forwards by.
package app

//go:generate go run ../../scripts/settings -page ../../docs/configuration.md -config config.go
