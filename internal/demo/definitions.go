package demo

import (
	_ "embed"
	"strings"
)

//go:embed definitions.yaml
var definitionsYAML string

// The routes of the definitions.
const (
	routeOrder     = "orders-get"
	routeProducts  = "products"
	routeCatalogue = "catalogue"
	routeRest      = "catch-all"
)

// Definitions is the YAML that the demo applies, for shops at these two base
// URLs (http://127.0.0.1:4000).
func Definitions(legacyURL, newURL string) []byte {
	return []byte(strings.NewReplacer("LEGACY_URL", legacyURL, "NEW_URL", newURL).Replace(definitionsYAML))
}
