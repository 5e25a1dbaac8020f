package api

import (
	"context"
	"net/http"

	"github.com/stranglerfig/strangler/internal/fleet"
)

// decision says what the controls shall be.
type decision func(fleet.Controlling) (fleet.Controls, error)

// control switches something for the whole fleet, as the caller.
func (s *server) control(r *http.Request, control fleet.Control, dryRun *bool, decide decision) (fleet.Controlled, error) {
	if err := checkLine("reason", control.Reason); err != nil {
		return fleet.Controlled{}, err
	}
	control.Actor = actor(r)
	control.DryRun = dryRun != nil && *dryRun
	ctx, cancel := context.WithTimeout(r.Context(), moveFor)
	defer cancel()
	done, err := s.Controls.Control(ctx, control, decide)
	if err == nil && done.Revision != done.Previous {
		s.Changed()
	}
	return done, err
}

// orNone is the text behind a parameter that may be absent.
func orNone(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
