package routing_test

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

func TestNormalizeHost(t *testing.T) {
	for in, want := range map[string]string{
		"shop.example":        "shop.example",
		"Shop.EXAMPLE":        "shop.example",
		"shop.example:8080":   "shop.example",
		"shop.example.":       "shop.example",
		"Shop.Example.:443":   "shop.example",
		"shop.example:":       "shop.example",
		"[2001:DB8::1]:8080":  "2001:db8::1",
		"[::1]":               "::1",
		"::1":                 "::1",
		"192.0.2.1:80":        "192.0.2.1",
		"":                    "",
		":80":                 "",
		"[broken":             "[broken",
		"under_score.example": "under_score.example",
	} {
		if got := routing.NormalizeHost(in); got != want {
			t.Errorf("NormalizeHost(%q) = %q, want %q", in, got, want)
		}
	}
}
