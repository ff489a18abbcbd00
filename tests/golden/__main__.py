"""`make golden-update`: accepts the texts that are generated now, and says which files changed."""

from golden.texts import update

if __name__ == "__main__":
    for name in update():
        print(name)
