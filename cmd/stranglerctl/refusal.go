package main

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/stranglerfig/strangler/internal/api/wire"
)

// refusal turns an answer that is not a success into an error with its exit code.
func refusal(resp *http.Response, body []byte) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	var p wire.Problem
	if kind != "application/problem+json" || json.Unmarshal(body, &p) != nil {
		return notAnAdminAPI(resp, "status "+resp.Status+" and no explanation")
	}
	f := &failure{code: exitFor(resp.StatusCode), hint: p.Hint, lines: findings(p.Problems)}
	message := p.Detail
	f.lines = append(f.lines, unsaid(p.Findings, message)...)
	switch {
	case len(p.Problems) > 0: // the lines below say it all
		message = counted(len(p.Problems), "fault") + " in the definitions; nothing was changed"
	case message == "":
		message = p.Title
	}
	f.err = errors.New(message)
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		f.hint = tokenHint(resp.Request)
	case http.StatusForbidden:
		if f.hint == "" && p.Role != "" {
			f.hint = "use a token of role " + p.Role
		}
	case http.StatusPreconditionFailed:
		if f.hint == "" {
			f.hint = "look at what is there now, then try again"
		}
	}
	return f
}

// unsaid is what else keeps a promotion from passing its gates than what the message
// says already.
func unsaid(said []wire.GateFinding, message string) []string {
	var lines []string
	for _, f := range said {
		if text := reasonOf(f); f.Verdict != wire.GateVerdictPass && !strings.Contains(message, text) {
			mark, _ := verdictLook(f.Verdict)
			lines = append(lines, mark+" "+string(f.Gate)+": "+text)
		}
	}
	return lines
}

// exitFor maps what the API says to how the program ends.
func exitFor(status int) exitCode {
	switch status {
	case http.StatusBadRequest: // what was written cannot be meant, whatever the routes are
		return exitUsage
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitNotAllowed
	case http.StatusNotFound:
		return exitNotFound
	case http.StatusPreconditionFailed, http.StatusPreconditionRequired:
		return exitConflict
	case http.StatusConflict:
		return exitRefused
	}
	return exitFailure
}

// findings writes each thing wrong with definitions as file:line:column: message.
// What is in no file has its key alone in front: its place in the router's own
// list, as in routes[3].match, says nothing to anybody, and the message names it.
func findings(problems []wire.Finding) []string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		_, key, _ := strings.Cut(p.Path, "].")
		switch {
		case p.Line > 0:
			lines[i] = fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
		case key != "":
			lines[i] = key + ": " + p.Message
		default:
			lines[i] = p.Message
		}
	}
	return lines
}

func tokenHint(req *http.Request) string {
	if req.Header.Get("Authorization") == "" {
		return "set STRANGLER_TOKEN, or keep a token with stranglerctl context login; strangler token create makes one beside the router"
	}
	return "the token that was sent is unknown, expired or revoked: make another with strangler token create beside the router"
}

// notAnAdminAPI says that something answered, but not as a router does.
func notAnAdminAPI(resp *http.Response, what string) error {
	return &failure{
		code: exitFailure,
		err:  fmt.Errorf("%s answered with %s: is that the admin API of a strangler router?", serverOf(resp), what),
		hint: "name the router's admin address with --server or STRANGLER_SERVER; where that listener speaks TLS, begin it with https://",
	}
}

func serverOf(resp *http.Response) string {
	return resp.Request.URL.Scheme + "://" + resp.Request.URL.Host
}

// unreachable says that no answer came. Whether a change was made is certain
// only when the request did not leave.
func unreachable(server, method string, sent bool, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without net/http's repetition of method and URL
	}
	f := &failure{code: exitFailure, err: fmt.Errorf("no answer from the router at %s: %w", server, err)}
	f.hint = connectHint(err)
	switch {
	case method == http.MethodGet:
	case sent:
		f.hint = "the change may have been made all the same: stranglerctl history tells"
		f.interrupted = f.hint
	default:
		f.hint = "nothing was changed; " + f.hint
	}
	return f
}

// connectHint is the way on when no connection came about.
func connectHint(err error) string {
	_, untrusted := errors.AsType[x509.UnknownAuthorityError](err)
	_, misnamed := errors.AsType[x509.HostnameError](err)
	switch {
	case untrusted:
		return "where its certificate is from your own authority, set SSL_CERT_FILE to the authority's certificate"
	case misnamed:
		return "write the router's address by a name that is in its certificate"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "that listener speaks plain HTTP: begin its address with http://"
	}
	return "start a router with strangler serve, or name another with --server or STRANGLER_SERVER"
}
