package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
)

// raw is a text, or {"utf8": …}, or {"hex": …}.
type raw []byte

func (r *raw) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err == nil {
		*r = raw(text)
		return nil
	}
	var given struct{ Utf8, Hex string }
	if err := json.Unmarshal(data, &given); err != nil {
		return err
	}
	*r = raw(given.Utf8)
	if given.Hex != "" {
		bytes, err := hex.DecodeString(given.Hex)
		*r = bytes
		return err
	}
	return nil
}

// vector runs one file of tests/vectors/tree-and-note; a value that comes out wrong is a fault, too.
func vector(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var file struct {
		Run   string
		Given struct {
			Data, Entry                raw
			Entries                    []string
			Index, Size, First, Second int64
			Root, Origin               string
			FirstRoot                  string `json:"first_root"`
			SecondRoot                 string `json:"second_root"`
			Path, Hashes               []string
			Keys                       map[string][]byte
		}
		Expect struct{ Ok json.RawMessage }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	given := file.Given
	switch file.Run {
	case "note":
		found, err := openNote(given.Data, given.Origin, given.Keys["ed25519"])
		if err != nil {
			return err
		}
		var expect struct {
			Size int64
			Root string
		}
		if json.Unmarshal(file.Expect.Ok, &expect) == nil && file.Expect.Ok != nil {
			if root, _ := hashOf(expect.Root); root != found.root || found.size != expect.Size {
				return fmt.Errorf("read as another checkpoint")
			}
		}
		return nil
	case "inclusion", "entry-in-tree":
		root, err := hashOf(given.Root)
		if err != nil {
			return err
		}
		return included(given.Entry, given.Index, given.Path, checkpoint{given.Size, root})
	case "consistency":
		old, err := hashOf(given.FirstRoot)
		if err != nil {
			return err
		}
		now, err := hashOf(given.SecondRoot)
		if err != nil {
			return err
		}
		return consistent(checkpoint{given.First, old}, checkpoint{given.Second, now}, given.Hashes)
	case "consistency-file":
		_, path, err := consistencyFile(given.Data)
		if err == nil {
			_, err = hashesOf(path)
		}
		return err
	case "root":
		return rootIs(given.Entries, file.Expect.Ok)
	}
	return fmt.Errorf("not a run that is known here: %s", file.Run)
}
