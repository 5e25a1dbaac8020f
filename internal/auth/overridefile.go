package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// OverrideKeysFile is the name of the file of keys in the state folder.
const OverrideKeysFile = "override.keys"

// OpenOverrideKeys reads the keys kept in the file at path, one id:base64 a
// line, the signing one first. Without a file there are none until the first
// override is signed. Errors match ErrOverrideKeys when the file is not one of
// keys, or others than its owner may read it.
func OpenOverrideKeys(path string) (*OverrideKeys, error) {
	keys := &OverrideKeys{path: path}
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return keys, nil
	}
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(text) == "" {
		return keys, nil
	}
	ring, err := parseRing(strings.Split(strings.TrimSpace(text), "\n"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	keys.ring.Store(&ring)
	return keys, nil
}

// readPrivate reads a file that only its owner may read.
func readPrivate(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("%w: %s has mode %04o, so others may have read it: remove it, or chmod 600 it if you trust them", ErrOverrideKeys, path, mode)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// writeRing replaces the file at path as a whole: after a crash the old keys
// are there or the new ones.
func writeRing(path string, ring []overrideKey) (err error) {
	var text strings.Builder
	for i := range ring {
		_, _ = fmt.Fprintf(&text, "%s:%s\n", ring[i].id, base64.StdEncoding.EncodeToString(ring[i].secret[:]))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), OverrideKeysFile+".*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // what went wrong before is what matters
		}
	}()
	_, err = file.WriteString(text.String())
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
