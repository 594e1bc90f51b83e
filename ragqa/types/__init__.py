"""The shared types of ragqa: data that one stage passes to the next, in three modules."""

# ruff: noqa: F403 - the public names of the modules are those of the package
from ragqa.corpus import Corpus as Corpus
from ragqa.corpus import Folder as Folder
from ragqa.types.answers import *
from ragqa.types.indexes import *
from ragqa.types.notes import *
