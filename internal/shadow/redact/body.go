package redact

import (
	"fmt"
	"mime"
	"strings"
)

// Body returns a request's body as it may be kept: JSON and forms with their
// secrets hidden, of all others a hash and the length in bytes.
func (r *Redactor) Body(contentType string, body []byte) []byte {
	if len(body) == 0 {
		return body
	}
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		if shown, ok := r.json(body, r.top()); ok {
			return shown
		}
	case media == "application/x-www-form-urlencoded":
		return []byte(r.pairs(string(body)))
	}
	return fmt.Appendf(nil, "%s (%d bytes)", r.hide("bytes", string(body)), len(body))
}
