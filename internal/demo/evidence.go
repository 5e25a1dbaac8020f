package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// The script judges after so many comparisons, for which it waits so long. On
// half of them legacy is asked twice, and the router says what is noise after 20.
const (
	enough    = 100
	gathering = time.Minute
)

// evidence is what the demo reads of what comparing has found on one route.
type evidence struct {
	Epoch       struct{ ID string }
	Compared    int
	Mismatched  int
	Noise       int
	Differences []difference
}

// difference is one signature of it.
type difference struct {
	Where, Kind, Verdict string
	LegacyType           string `json:"legacy_type"`
	NewType              string `json:"new_type"`
	Count                int
	Pairs                struct{ Both, New, Legacy int }
}

// at returns what differs at a place; the zero value where nothing does.
func (e evidence) at(where string) difference {
	for _, d := range e.Differences {
		if d.Where == where {
			return d
		}
	}
	return difference{}
}

// evidence waits until there are enough comparisons of a route, in another epoch
// than the one that is given.
func (a *admin) evidence(ctx context.Context, route, but string) (evidence, error) {
	ctx, cancel := context.WithTimeout(ctx, gathering)
	defer cancel()
	for {
		var found evidence
		if err := a.call(ctx, http.MethodGet, "/api/v1/routes/"+route+"/differences", "", nil, &found); err != nil {
			return evidence{}, err
		}
		if found.Epoch.ID != but && found.Compared >= enough {
			return found, nil
		}
		select {
		case <-ctx.Done():
			return evidence{}, errors.Join(fmt.Errorf("%d answers of %s were compared, want %d", found.Compared, route, enough), ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// ruleRequest is a rule as the admin API takes it.
type ruleRequest struct {
	Kind    string `json:"kind"`
	Target  string `json:"target"`
	Pattern string `json:"pattern,omitempty"`
	With    string `json:"with,omitempty"`
	Reason  string `json:"reason"`
}

// preview is what a rule would have hidden so far.
type preview struct{ Hidden, Of int }

// previewRule asks what a rule would have hidden, and changes nothing.
func (a *admin) previewRule(ctx context.Context, route string, rule ruleRequest) (preview, error) {
	text, err := json.Marshal(rule)
	if err != nil {
		return preview{}, err
	}
	var seen preview
	err = a.call(ctx, http.MethodPost, "/api/v1/routes/"+route+"/rules/preview", "application/json", text, &seen)
	return seen, err
}

// addRule adds a rule, and waits until every router goes by it.
func (a *admin) addRule(ctx context.Context, route string, rule ruleRequest) error {
	text, err := json.Marshal(rule)
	if err != nil {
		return err
	}
	var added struct{ Revision int64 }
	if err := a.call(ctx, http.MethodPost, "/api/v1/routes/"+route+"/rules", "application/json", text, &added); err != nil {
		return err
	}
	return a.settle(ctx, added.Revision)
}
