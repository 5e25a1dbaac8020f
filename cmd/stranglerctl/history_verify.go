package main

import (
	"context"
	"fmt"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// verifyHistory lets the router follow the chain of hashes through its whole
// history, and fails when a row is not what was written.
func (c *cli) verifyHistory(ctx context.Context) error {
	api, err := c.connect()
	if err != nil {
		return err
	}
	found, err := ask[wire.Verification](api.VerifyEvents(ctx))
	if err != nil {
		return err
	}
	v := found.value
	err = c.show(view{raw: found.raw, names: []string{v.Head}, people: func(bool) error {
		if v.Intact {
			c.out.Linef("%s %s, each as it was written; the last has hash %s",
				c.out.Paint(term.Good, markGood), counted(int(v.Events), "event"), orDash(v.Head))
		} else if v.Broken != nil {
			c.out.Linef("%s event %d: %s; the %d before it are as they were written",
				c.out.Paint(term.Bad, markBad), v.Broken.ID, v.Broken.Why, v.Events)
		}
		return nil
	}})
	if err != nil {
		return err
	}
	if !v.Intact {
		return &failure{
			code: exitFailure, err: fmt.Errorf("the history is not what was written"),
			hint: "compare it with a backup: stranglerctl history -o json --limit 1000 shows what is there",
		}
	}
	c.note.Linef("keep the hash elsewhere: a history that was rewritten as a whole has another one")
	return nil
}
