package exchange

import (
	"strings"

	"github.com/stranglerfig/strangler/internal/routing"
)

// cohortCookieAge is how long a browser keeps its cohort: longer than a canary
// usually lasts, so that a restart of the browser does not change sides.
const cohortCookieAge = "7776000" // 90 days in seconds

// MintsCookie reports whether the answer may hand out a cohort cookie: the
// request had no key in a canary that mints, it is a navigation, and no shared
// cache will keep the answer and hand one user's cohort to everybody.
func (x *Exchange) MintsCookie(request, response Fields) bool {
	return x.Assignment.Mint &&
		strings.Contains(request.get("Accept"), "text/html") &&
		!sharedCacheable(response)
}

// sharedCacheable reports whether a shared cache may keep the answer.
func sharedCacheable(response Fields) bool {
	for _, line := range response["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "public", "s-maxage", "immutable":
				return true
			}
		}
	}
	return false
}

// CohortCookie is the Set-Cookie value that hands out key.
func (x *Exchange) CohortCookie(key string) string {
	cookie := routing.CohortCookie + "=" + key + "; Path=/; Max-Age=" + cohortCookieAge + "; HttpOnly; SameSite=Lax"
	if x.Scheme == "https" {
		cookie += "; Secure"
	}
	return cookie
}
