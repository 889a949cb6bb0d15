"""Parts of `hubbatch.integrations.fastapi`."""
