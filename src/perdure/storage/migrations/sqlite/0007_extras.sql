-- What the model server told of a step's calls that is none of the API's business, and needs back in
-- the later requests of the run: JSON, of one server and model. A column beside the body, since the
-- body is what clients are shown.
ALTER TABLE run_steps ADD COLUMN extras TEXT;
