package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// retryAfter is how many seconds a client should wait for a store that is away.
const retryAfter = 5

// problem is an error in the shape in which clients see it.
type problem wire.Problem

// Error is the title, and the detail where there is one.
func (p *problem) Error() string {
	if p.Detail == "" {
		return p.Title
	}
	return strings.TrimSuffix(p.Title, ".") + ": " + p.Detail
}

func newProblem(status int, code, title, detail, hint string) *problem {
	return &problem{Type: "about:blank", Status: status, Code: code, Title: title, Detail: detail, Hint: hint}
}

// fail answers with what err means to a client. Faults of ours are logged;
// a client that went away is told nothing.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	p := s.problemOf(err)
	h := w.Header()
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="strangler"`)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	case http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close")
	}
	// Not 503: a store that is away is logged by the watcher, and a router
	// that starts or drains has no fault.
	if p.Status >= http.StatusInternalServerError && p.Status != http.StatusServiceUnavailable {
		s.Logger.Error("an admin request failed", "code", p.Code, "path", r.URL.Path, "error", err)
	}
	body, err := json.Marshal(p)
	if err != nil {
		http.Error(w, p.Title, p.Status)
		return
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // a client that left does not want it
}

// problemOf finds the problem that err is.
func (s *server) problemOf(err error) *problem {
	var (
		own      *problem
		conflict *rollout.Conflict
		refusal  *rollout.Refusal
		problems spec.Problems
		tooLarge *http.MaxBytesError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &conflict):
		return conflicting(conflict)
	case errors.As(err, &refusal):
		return refusing(refusal)
	case errors.As(err, &problems):
		return invalidDefinitions(problems)
	case errors.As(err, &tooLarge):
		return newProblem(http.StatusRequestEntityTooLarge, "too_large", "The body is too large.",
			fmt.Sprintf("a body may have %d bytes; nothing was changed", tooLarge.Limit), "")
	case errors.Is(err, rollout.ErrTarget):
		return newProblem(http.StatusBadRequest, "bad_target", "This is nowhere a route can go.",
			err.Error()+"; nothing was changed", "")
	case errors.Is(err, rollout.ErrText):
		return newProblem(http.StatusBadRequest, "bad_text", "This text cannot be kept.", err.Error()+"; nothing was changed", "")
	case errors.Is(err, auth.ErrExpired), errors.Is(err, auth.ErrRevoked):
		return outOfForce(err)
	case errors.Is(err, auth.ErrOverride):
		return badRequest("bad_override", err.Error(), "")
	case errors.Is(err, auth.ErrNoOverrideKeys), errors.Is(err, auth.ErrOverrideKeysFixed):
		return newProblem(http.StatusConflict, "override_keys", "The keys for overrides are not this router's to change.",
			err.Error()+"; nothing was changed", "")
	case errors.Is(err, auth.ErrDenied):
		return newProblem(http.StatusUnauthorized, "unauthenticated", "A token is needed.", err.Error(),
			"send the header Authorization: Bearer <token>; `strangler token create` makes one")
	case errors.Is(err, auth.ErrUnavailable), errors.Is(err, rollout.ErrUnavailable):
		return s.storeAway(err)
	case errors.Is(err, rollout.ErrUncertain), errors.Is(err, context.DeadlineExceeded):
		return newProblem(http.StatusGatewayTimeout, "outcome_unknown", "The store gave no answer.",
			"whether the change was made is not known"+s.flowing(), "look at the history before trying again")
	default:
		return s.internal(err)
	}
}

// refusing is for what the rules do not allow, with what the gates said where it
// is they that refuse it.
func refusing(refusal *rollout.Refusal) *problem {
	p := newProblem(http.StatusConflict, refusal.Code, "The rules do not allow this now.",
		refusal.Message+"; nothing was changed", refusal.Hint)
	if len(refusal.Findings) > 0 {
		p.Findings = wireFindings(refusal.Findings)
	}
	return p
}

// outOfForce is for a token that once was good.
func outOfForce(err error) *problem {
	code, title := "token_expired", "The token has expired."
	if errors.Is(err, auth.ErrRevoked) {
		code, title = "token_revoked", "The token was revoked."
	}
	return newProblem(http.StatusUnauthorized, code, title, err.Error(),
		"ask an admin for a new one: stranglerctl token create")
}

// storeAway is for what cannot be done without the store.
func (s *server) storeAway(err error) *problem {
	return newProblem(http.StatusServiceUnavailable, "store_unavailable", "The store is unavailable.",
		err.Error()+"; nothing was changed"+s.flowing(), "try again when the store is back; `stranglerctl doctor` says how it is")
}

// flowing says what goes on meanwhile.
func (s *server) flowing() string {
	if snapshot := s.Router.Snapshot(); snapshot != nil {
		return fmt.Sprintf("; traffic keeps flowing by revision %d", snapshot.Revision)
	}
	return ""
}

// internal is for errors that nobody foresaw. They may hold what a client
// should not see, so they are in the log only.
func (s *server) internal(error) *problem {
	return newProblem(http.StatusInternalServerError, "internal", "Something went wrong in the router.",
		"instance "+s.Instance+" has logged what it was", "look into its log")
}

func conflicting(c *rollout.Conflict) *problem {
	if c.Have == 0 {
		return newProblem(http.StatusPreconditionFailed, "conflict", "It does not exist any more.",
			fmt.Sprintf("there is no %s %q, so it is not at revision %d; nothing was changed", c.Kind, c.Name, c.Want), "")
	}
	p := newProblem(http.StatusPreconditionFailed, "conflict", "Somebody else was faster.", c.Error(),
		"look at what changed, then try again from the revision in force")
	if c.Want == 0 {
		p.Title, p.Detail = "It exists already.", fmt.Sprintf("%s %q was last changed at revision %d, by %s; nothing was changed",
			c.Kind, c.Name, c.Have, c.By)
		p.Hint = fmt.Sprintf("to change it, send If-Match: %s", etag(c.Have))
	}
	p.Revision, p.ChangedBy, p.ChangedAt = wire.Revision(c.Have), c.By, c.At
	return p
}

func forbidden(who auth.Identity, need auth.Role) *problem {
	p := newProblem(http.StatusForbidden, "forbidden", "This token may not do that.",
		fmt.Sprintf("the role %s is needed, and %s has the role %s; nothing was changed", need, who.Name, who.Role),
		"use a token with the role "+string(need))
	p.Role = string(need)
	return p
}

func misdirected(host string) *problem {
	return newProblem(http.StatusMisdirectedRequest, "misdirected", "This router does not answer to that name.",
		fmt.Sprintf("this router's admin API does not answer to the name %q", host),
		"address it by localhost or by its address, or start the router with --admin-host and that name")
}

func crossOrigin() *problem {
	return newProblem(http.StatusForbidden, "cross_origin", "Pages of other sites may not change anything here.",
		"the request came from a page of another origin; nothing was changed", "")
}

// maxFindings is how many problems one answer lists.
const maxFindings = 100

// invalidDefinitions lists what is wrong with definitions.
func invalidDefinitions(problems spec.Problems) *problem {
	p := newProblem(http.StatusUnprocessableEntity, "invalid_definitions", "The definitions are refused as a whole.",
		fmt.Sprintf("%d problems; nothing was changed", len(problems)), "correct them and send the definitions again")
	if len(problems) == 1 {
		p.Detail = problems[0].Message + "; nothing was changed"
	}
	if len(problems) > maxFindings {
		p.Detail = fmt.Sprintf("%d problems, the first %d of which are listed; nothing was changed", len(problems), maxFindings)
	}
	for _, found := range problems[:min(len(problems), maxFindings)] {
		p.Problems = append(p.Problems, wire.Finding{
			File: found.File, Line: found.Line, Column: found.Column,
			Path: found.Path, Code: found.Code, Message: found.Message,
		})
	}
	return p
}
