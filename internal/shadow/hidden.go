package shadow

import (
	"strings"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// Redactor hides what must not be kept. Equal values hide alike, so that it can
// be seen that they are equal. It is safe for concurrent use.
type Redactor interface {
	Target(pathAndQuery string) string
	Header(name string, values []string) []string
	Body(contentType string, body []byte) []byte
	Difference(d compare.Difference) compare.Difference
}

// A hidden value stands as hidden: and 16 hex digits, in whatever it is part of.
const (
	hiddenMark   = "hidden:"
	hiddenDigits = 16
)

// isHidden reports whether a Redactor has hidden something in the text.
func isHidden(text string) bool {
	for {
		_, rest, found := strings.Cut(text, hiddenMark)
		if !found {
			return false
		}
		if len(rest) >= hiddenDigits && strings.Trim(rest[:hiddenDigits], "0123456789abcdef") == "" {
			return true
		}
		text = rest
	}
}
