package app

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/stranglerfig/strangler/internal/auth"
)

// redactionKeys are the keys of the environment; without them a router keeps
// its own in a file. What another router of the fleet hides has other hashes then,
// and doctor says so; each is as safe as the other.
func (c *Config) redactionKeys(stateDir string, logger *slog.Logger) (*auth.RedactionKeys, error) {
	if c.RedactionKeys != "" {
		keys, err := auth.ParseRedactionKeys(c.RedactionKeys)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrConfig, auth.RedactionKeysVariable, err)
		}
		return keys, nil
	}
	keys, err := auth.OpenRedactionKeys(filepath.Join(stateDir, auth.RedactionKeysFile), logger)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return keys, nil
}
