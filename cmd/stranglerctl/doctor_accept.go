package main

import (
	"context"
	"fmt"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// acceptStore tells the router to follow its store, although that went back,
// is another one, or says something else about the same revision.
func (c *cli) acceptStore(ctx context.Context, reason string) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	status, err := ask[wire.Status](api.GetStatus(ctx))
	if err != nil {
		return err
	}
	if s := status.value; s.Store.Alarm != nil {
		question := fmt.Sprintf("%s serves revision %d and does not follow its store: %s. Let it serve what the store holds?",
			s.Instance, s.Revision, s.Store.Error)
		if err := c.confirm(ctx, "doctor --accept-store", question); err != nil {
			return err
		}
	}
	accepted, err := ask[wire.Acceptance](api.AcceptStore(ctx, wire.VerbRequest{Reason: reason}))
	if err != nil {
		return err
	}
	a := accepted.value
	err = c.show(view{raw: accepted.raw, names: []string{a.Instance}, people: func(bool) error {
		if !a.Changed {
			c.out.Linef("%s  follows its store already  (unchanged, revision %d)", c.out.Paint(term.Strong, a.Instance), a.Revision)
			return nil
		}
		c.out.Linef("%s  follows its store again  (revision %d → %d, by %s)",
			c.out.Paint(term.Strong, a.Instance), a.PreviousRevision, a.Revision, a.Actor)
		return nil
	}})
	if a.Note != "" {
		c.note.Linef("%s: %s", a.Instance, a.Note)
	}
	return err
}
