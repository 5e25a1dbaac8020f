package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// settling is how long the routers may take to follow a change.
const settling = 10 * time.Second

// admin speaks to the admin API as any script would: HTTP and JSON.
type admin struct {
	base, token string
	client      *http.Client
}

// refusal is a problem that the admin API answered with.
type refusal struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Error gives the problem's code and what it says to people.
func (r *refusal) Error() string {
	return fmt.Sprintf("%d %s: %s %s", r.Status, r.Code, r.Title, r.Detail)
}

// event is what the demo reads of one row of the history.
type event struct {
	Revision int64 `json:"revision"`
	Verb     string
	Actor    string
	Cause    string
	Reason   string
}

// apply brings the definitions in line with text, and waits until they are in force.
func (a *admin) apply(ctx context.Context, text []byte) error {
	var edit struct{ Revision int64 }
	if err := a.call(ctx, http.MethodPost, "/api/v1/apply?filename=demo.yaml", "application/yaml", text, &edit); err != nil {
		return err
	}
	return a.settle(ctx, edit.Revision)
}

// move gives a route a verb, and waits until every router acts by it. An empty
// target lets the verb choose.
func (a *admin) move(ctx context.Context, route, verb, to string) error {
	body := map[string]any{"reason": "the demo's script"}
	if to != "" {
		body["to"] = to
	}
	return a.command(ctx, route, verb, body)
}

// force promotes a route against its gates, as people do who know better.
func (a *admin) force(ctx context.Context, route, to string) error {
	return a.command(ctx, route, "promote", map[string]any{
		"to": to, "force": true, "reason": "whoever reads the total takes a string as well",
	})
}

// switchAutopilot says what the autopilot may do with a route.
func (a *admin) switchAutopilot(ctx context.Context, route, mode string) error {
	return a.command(ctx, route, "autopilot", map[string]any{"mode": mode, "reason": "the demo's script"})
}

// command posts to one of a route's resources, and waits until every router acts by it.
func (a *admin) command(ctx context.Context, route, verb string, body map[string]any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	var moved struct{ Revision int64 }
	path := "/api/v1/routes/" + route + "/" + verb
	if err := a.call(ctx, http.MethodPost, path, "application/json", text, &moved); err != nil {
		return fmt.Errorf("%s %s: %w", verb, route, err)
	}
	return a.settle(ctx, moved.Revision)
}

// settle returns when every router that serves has acknowledged the revision.
func (a *admin) settle(ctx context.Context, revision int64) error {
	ctx, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		var routers []struct {
			Instance, State string
			Revision        int64
		}
		if err := a.call(ctx, http.MethodGet, "/api/v1/instances", "", nil, &routers); err != nil {
			return err
		}
		serving, behind := 0, ""
		for _, r := range routers {
			if r.State == "serving" {
				serving++
				if r.Revision < revision {
					behind = r.Instance
				}
			}
		}
		if serving > 0 && behind == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("revision %d is not in force after %s (%d routers serve; behind: %q): %w",
				revision, settling, serving, behind, ctx.Err())
		case <-poll.C:
		}
	}
}

// history returns the events of a route, newest first.
func (a *admin) history(ctx context.Context, route string) ([]event, error) {
	var events []event
	err := a.call(ctx, http.MethodGet, "/api/v1/events?route="+url.QueryEscape(route), "", nil, &events)
	return events, err
}

// call sends one request and reads its JSON answer into out. An answer other
// than 200 is a *refusal.
func (a *admin) call(ctx context.Context, method, path, contentType string, body []byte, out any) error {
	text, err := a.text(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s: the answer cannot be read: %w", method, path, err)
	}
	return nil
}

// text sends one request and returns the body of its answer.
func (a *admin) text(ctx context.Context, method, path, contentType string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the admin API does not answer: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s %s: the answer broke off: %w", method, path, err)
	}
	if resp.StatusCode != http.StatusOK {
		problem := &refusal{Status: resp.StatusCode}
		if err := json.Unmarshal(text, problem); err != nil {
			return nil, errors.Join(problem, fmt.Errorf("and its body is no problem+json: %w", err))
		}
		return nil, problem
	}
	return text, nil
}
