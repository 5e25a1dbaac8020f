package app

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
)

// overrideKeys are the keys of the environment; without them a router that has
// its store to itself keeps its own in a file. Routers of a fleet would each
// make another, and none would believe what another one signed.
func (c *Config) overrideKeys(stateDir string) (*auth.OverrideKeys, error) {
	switch {
	case c.OverrideKeys != "":
		keys, err := auth.ParseOverrideKeys(c.OverrideKeys)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrConfig, auth.OverrideKeysVariable, err)
		}
		return keys, nil
	case strings.HasPrefix(c.Database, "sqlite:"):
		keys, err := auth.OpenOverrideKeys(filepath.Join(stateDir, auth.OverrideKeysFile))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		return keys, nil
	default:
		return new(auth.OverrideKeys), nil
	}
}

// revokedIDs are the overrides that are not to be believed.
func revokedIDs(revoked []fleet.RevokedOverride) []string {
	ids := make([]string, len(revoked))
	for i := range revoked {
		ids[i] = revoked[i].ID
	}
	return ids
}
