package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/stranglerfig/strangler/internal/routing"
)

// etag writes a revision as an entity tag.
func etag(revision routing.Revision) string {
	return `"` + strconv.FormatInt(int64(revision), 10) + `"`
}

// parseETag reads what etag writes.
func parseETag(text string) (routing.Revision, error) {
	inner, opened := strings.CutPrefix(strings.TrimSpace(text), `"`)
	digits, closed := strings.CutSuffix(inner, `"`)
	revision, err := strconv.ParseInt(digits, 10, 64)
	if !opened || !closed || err != nil || revision < 1 {
		return 0, badRequest("bad_precondition", fmt.Sprintf("If-Match is %q and has to be a revision in quotes, such as %s", text, etag(412)), "")
	}
	return routing.Revision(revision), nil
}

// ifMatch reads an If-Match header that may be absent.
func ifMatch(header *string) (*routing.Revision, error) {
	if header == nil {
		return nil, nil //nolint:nilnil // no header, no precondition
	}
	revision, err := parseETag(*header)
	if err != nil {
		return nil, err
	}
	return &revision, nil
}

// putPrecondition is the revision that a PUT starts from; 0 is for "does not
// exist yet". One of the two headers has to be there, so that nobody overwrites
// what they have not seen.
func putPrecondition(match, noneMatch *string) (routing.Revision, error) {
	switch {
	case match != nil && noneMatch != nil:
		return 0, badRequest("bad_precondition", "If-Match and If-None-Match contradict each other", "send one of them")
	case match != nil:
		return parseETag(*match)
	case noneMatch == nil:
		return 0, newProblem(http.StatusPreconditionRequired, "precondition_required", "A precondition is needed.",
			"without one a change of somebody else could be lost; nothing was changed",
			"send If-None-Match: * to create it, or If-Match with the ETag of what you have read to change it")
	case strings.TrimSpace(*noneMatch) != "*":
		return 0, badRequest("bad_precondition", fmt.Sprintf("If-None-Match is %q and has to be *", *noneMatch), "")
	default:
		return 0, nil
	}
}
