package routing

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// maxClaims bounds the decoded payload of a token that claim looks into, in
// bytes; servers of identity stay far below, and a larger one is no key.
const maxClaims = 8 << 10

// claim returns a string or number of the bearer token's payload, a number as
// it is written there. The signature is not checked: the value is hashed into
// a cohort and is no proof of anything. What is malformed is not present.
func claim(req *Request, name string) string {
	parts := strings.Split(bearer(req), ".")
	if len(parts) != 3 || len(parts[1]) > base64.RawURLEncoding.EncodedLen(maxClaims) {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims map[string]json.RawMessage
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claimText(claims[name])
}

// bearer returns the bearer token of a request; empty: it has none.
func bearer(req *Request) string {
	if req.Header == nil {
		return ""
	}
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func claimText(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	if c := raw[0]; c == '-' || '0' <= c && c <= '9' {
		return string(raw)
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}
