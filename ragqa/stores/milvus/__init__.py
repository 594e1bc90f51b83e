"""A store in Milvus: passages, embeddings and terms in collections on a server or in a file."""
