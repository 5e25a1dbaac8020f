package api

import (
	"strings"

	"github.com/stranglerfig/strangler/internal/spec"
)

// matchText says in short which requests a route wants: "GET,HEAD
// shop.example/orders/{id} [header X-Beta=1]". A prefix ends in a star.
func matchText(m spec.Match) string {
	var text strings.Builder
	if len(m.Methods) > 0 {
		text.WriteString(strings.Join(m.Methods, ",") + " ")
	}
	text.WriteString(m.Host)
	if m.Prefix != "" {
		text.WriteString(strings.TrimSuffix(m.Prefix, "/") + "/*")
	} else {
		text.WriteString(m.Path)
	}
	conditions(&text, "header", m.Headers)
	conditions(&text, "query", m.Query)
	return text.String()
}

func conditions(text *strings.Builder, where string, list []spec.Condition) {
	for _, c := range list {
		text.WriteString(" [" + where + " " + c.Name)
		switch {
		case c.Equals != nil:
			text.WriteString("=" + *c.Equals)
		case c.Matches != nil:
			text.WriteString("~" + *c.Matches)
		}
		text.WriteString("]")
	}
}
