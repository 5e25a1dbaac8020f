package shadow

import (
	"strings"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Marker is the request field by which a backend knows a shadow request.
const Marker = "Strangler-Shadow"

// Head is what of a request decides whether it may be asked twice.
type Head struct {
	Method string
	Path   string // as the client sent it
	Query  string
	Kind   exchange.Kind
	Header map[string][]string
	Served routing.Side
}

// Refuses says why a request is not shadowed although its cohort is; false: it is.
func (p *Policy) Refuses(h *Head) (Reason, bool) {
	switch h.Kind {
	case exchange.KindUpgrade:
		return ReasonUpgrade, true
	case exchange.KindEvents:
		return ReasonEvents, true
	case exchange.KindGRPC:
		return ReasonGRPC, true
	case exchange.KindPlain:
	}
	switch {
	case !p.copies(h.Method, h.Served), Safe(h.Method) && overridden(h.Method, h.Header):
		return ReasonMethod, true
	case len(h.Header[Marker]) > 0:
		return ReasonLoop, true
	case len(h.Header["Range"]) > 0:
		return ReasonRange, true
	case conditional(h.Header):
		return ReasonConditional, true
	case oneTime(h.Path, h.Query):
		return ReasonOneTime, true
	default:
		return 0, false
	}
}

// copies reports whether copies of a method are made at all. Writes that new has
// served are not repeated on legacy, whatever the route says.
func (p *Policy) copies(method string, served routing.Side) bool {
	if Safe(method) {
		return true
	}
	switch method {
	case "POST", "PUT", "PATCH", "DELETE":
		return p.Writes != WritesOff && served == routing.Legacy
	default:
		return false
	}
}

// Safe reports whether a method asks for an answer and nothing else. OPTIONS and
// TRACE do so too, but tell of the server and not of the route.
func Safe(method string) bool { return method == "GET" || method == "HEAD" }

// overrides are the fields by which some frameworks take a request for one of
// another method.
func overrides() [3]string {
	return [...]string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}
}

// DropOverrides takes out of a head what may make a request one of another method.
func DropOverrides(header map[string][]string) {
	for _, name := range overrides() {
		delete(header, name)
	}
}

// overridden reports whether a backend may take the request for one of another method.
func overridden(method string, header map[string][]string) bool {
	for _, name := range overrides() {
		for _, value := range header[name] {
			if !strings.EqualFold(value, method) {
				return true
			}
		}
	}
	return false
}

// conditional reports whether the answer depends on what the client has.
func conditional(header map[string][]string) bool {
	for _, name := range [...]string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range"} {
		if len(header[name]) > 0 {
			return true
		}
	}
	return false
}

// longestOneTime is the length of the longest name that isOneTime knows.
const longestOneTime = len("verification_token")

// oneTime reports whether a request looks as if it could take effect once only.
func oneTime(path, query string) bool {
	path = strings.TrimSuffix(path, "/")
	if strings.EqualFold(path[strings.LastIndexByte(path, '/')+1:], "unsubscribe") {
		return true
	}
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, _, _ := strings.Cut(pair, "=")
		if len(name) <= longestOneTime && isOneTime(strings.ReplaceAll(strings.ToLower(name), "-", "_")) {
			return true
		}
	}
	return false
}

// isOneTime knows the query parameters that carry what is used up by the first
// request: sign-in codes (RFC 6749 §4.1.2, CAS, SAML), and links that verify an
// address, sign in or sign off.
func isOneTime(parameter string) bool {
	switch parameter {
	case "code", "token", "ticket", "signature", "sig", "otp", "nonce", "samlrequest", "samlresponse", "oauth_verifier",
		"access_token", "id_token", "oauth_token", "auth_token", "login_token", "reset_token", "magic_token",
		"activation_token", "confirmation_token", "invitation_token", "unsubscribe_token", "verification_token",
		"activation_code", "confirmation_code", "verification_code",
		"activate", "confirm", "invite", "magic", "reset", "unsubscribe", "verification", "verify":
		return true
	default:
		return false
	}
}
